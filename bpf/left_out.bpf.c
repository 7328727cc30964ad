/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Calls whose function was rejected after they began. */
#include "left_out.bpf.h"

/* Has user space rejected the function after its call began, as one of the standard library? */
FT_GLOBAL int ft_call_rejected(u32 tid, u32 n)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_at(t, tid, n) : 0;
	struct code_entry *e = c ? code_find(t->pid, code_id(c)) : 0;

	return e && code_rejected(e);
}

#define SETTLED_CALLS 16 /* that are examined below the innermost one */

FT_GLOBAL int ft_settle(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *top = t ? call_top(t, tid) : 0, *below = 0;
	u32 i;

	if (!top || top->flags & CALL_NO_ROOT || !ft_call_rejected(tid, t->depth - 1))
		return 0;
	for (i = 2; i < SETTLED_CALLS && i <= t->depth; i++) {
		if (ft_call_rejected(tid, t->depth - i))
			continue;
		below = call_at(t, tid, t->depth - i);
		break;
	}
	top->flags &= ~CALL_CHOICE;
	top->flags |= CALL_NO_ROOT;
	top->level = level_below(below);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
