/* SPDX-License-Identifier: MIT */
/* What a test asks of the BPF sources about calls that are left. */
#ifndef FT_WALK_LEFT_H
#define FT_WALK_LEFT_H

#ifndef __VMLINUX_H__
#include "ft_layout.h"
#include "ft_maps.h"
#endif

void push_call(__u32 tid, const struct call *call);
/* The innermost call that is open, or NULL. */
const struct call *innermost_call(__u32 tid);
/* What remains open. */
__u32 reap_from(__u32 tid, __u64 start, __u64 fresh, __u64 exc);
void raise_value(__u32 tid, __u64 tstate, __u64 type, __u64 value);
void traceback_here(__u64 object);
void set_thread_pointer(__u64 address);

#endif
