/* SPDX-License-Identifier: MIT */
/* What a test asks of the BPF sources about greenlets. */
#ifndef FT_WALK_GREENLET_H
#define FT_WALK_GREENLET_H

#ifndef __VMLINUX_H__
#include "ft_layout.h"
#endif

/* The frame at hand is this one: 1 = another stack of calls is the thread's now. */
int come_to_frame(__u32 tid, __u64 frame, __u32 enters);
void drop_stacks(__u32 tid);
/* PyCapsule_New() is called with the name at this address: are there greenlets? */
int make_capsule(__u64 name);
/* Stacks of calls that are kept, and parts of them. */
unsigned stacks_kept(void);

#endif
