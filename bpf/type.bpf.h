/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a type is, and which names are on the redaction list. */
#ifndef FT_TYPE_BPF_H
#define FT_TYPE_BPF_H

#include "py_value.bpf.h"

/* The kind as which the type's instances are rendered (enum ft_kind, also in walk.kind), with
 * KIND_UNTOLD when user space does not know the class yet. type 0: walk.type. */
int ft_kind_of(u32 tid, u64 type);
#define KIND_UNTOLD 0x100
/* Describes a class to user space, in two steps: each needs its own part of the BPF stack. */
int ft_type_module(u32 tid, u64 type);
int ft_type_tell(u32 tid, u64 type, u32 kind);

FT_INLINE u32 classify(u32 tid, u64 type)
{
	u32 kind = ft_kind_of(tid, type);

	if (kind & KIND_UNTOLD) {
		ft_type_module(tid, type);
		ft_type_tell(tid, type, kind & ~KIND_UNTOLD);
	}
	return kind & ~KIND_UNTOLD;
}

/* Is this str or bytes a name of the redaction list? */
int ft_redacted(u32 tid, u64 name);

#endif
