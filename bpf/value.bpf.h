/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The walk over a value. Its steps are global functions, which the verifier checks once each
 * instead of once per path.
 */
#ifndef FT_VALUE_BPF_H
#define FT_VALUE_BPF_H

#include "py_value.bpf.h"

/* Walks the pushed values, to the end or until the field is full. */
int ft_walk(u32 tid);

/* Appends a text if it is short, as most are; 1 = done. */
int ft_put_short(u32 tid, u64 obj);

/* Appends a value that needs no walk: put_scalar(), or a short text. */
FT_INLINE bool put_plain(const struct ft_layout *l, struct thread *t, u32 tid, u64 obj)
{
	u64 type = 0;

	if (put_scalar(l, t, obj, &type))
		return true;
	return type && (type == l->type_addr[FT_KIND_STR] || type == l->type_addr[FT_KIND_BYTES]) &&
	       ft_put_short(tid, obj);
}

#endif
