/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Selects the stack of calls to which a frame belongs, if a thread has several. */
#ifndef FT_GREENLET_BPF_H
#define FT_GREENLET_BPF_H

#include "probe.bpf.h"
#include "reap.bpf.h"
#include "stack.bpf.h"

/*
 * Does this frame belong to another stack than the thread's last? Then the caller closes the calls
 * of the last one that are known to be over, and makes the other one the thread's. enters: the
 * frame is new on its stack.
 */
int ft_on_other_stack(u32 tid, u64 frame, u32 enters);
int ft_switch_stack(u32 tid);
/* Drops all calls of a thread, those of all its greenlets. */
int ft_drop_stacks(u32 tid);

/* Called before a frame is looked for on the shadow stack. */
FT_INLINE void stack_switch(struct probe *p, bool enters)
{
	if (!(p->proc->flags & FT_PROC_GREENLETS) || (enters && !thread_get(p->tgid, p->tid)) ||
	    !ft_on_other_stack(p->tid, p->frame, enters))
		return;
	ft_reap(p->tid, FRAME_AWAY, 0, 0);
	ft_switch_stack(p->tid);
}

#endif
