/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The exception of a RAISE record. */
#ifndef FT_RAISE_BPF_H
#define FT_RAISE_BPF_H

#include "traceback.bpf.h"

/* Begins the tokens of a RAISE record for the exception (type, value) of the thread state: up to
 * 3.11 the value may not be an instance yet. The rest needs a walk. */
int ft_begin_raise(u32 tid, u64 type, u64 value);

FT_INLINE int build_raise(u32 tid, u64 type, u64 value)
{
	if (ft_begin_raise(tid, type, value))
		return -1;
	ft_walk(tid);
	if (ft_settings.stack)
		ft_traceback_put(tid);
	return 0;
}

#endif
