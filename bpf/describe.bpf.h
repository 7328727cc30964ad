/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Describing a code object to user space. */
#ifndef FT_DESCRIBE_BPF_H
#define FT_DESCRIBE_BPF_H

#include "maps.bpf.h"

/* Sets the entry's fields about the module, in the thread's slot. key: the code with the number of
 * its variant. */
int ft_entry_module(u32 tid, u64 key, u64 frame, u64 slot, u64 id);
int ft_reject(u64 key, u64 frame, u64 slot, u64 id, u32 policy);

/* The steps of accepting; watching takes only the first and the last. */
int ft_entry(u32 tid, u64 code, u32 role, u32 policy);
int ft_watch(u32 tid, u64 key);
u64 ft_owner(u32 tid, u64 frame, u64 code);
/* i: number of the text. */
#define DESCRIBE_TEXTS 4
int ft_describe(u32 tid, u64 code, u64 slot, u64 id, u32 i);
int ft_describe_params(u32 tid, u64 code);
int ft_accept(u32 tid, u64 key, u64 owner);
/* Notes that a variant is wanted, so that exits of this code are examined. */
int ft_varied(u32 tid, u64 code);

#endif
