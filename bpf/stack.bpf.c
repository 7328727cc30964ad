/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Is a call's frame still on the stack of its thread? */
#include "py_frame.bpf.h"
#include "stack.bpf.h"

FT_GLOBAL u64 ft_stack_walk(u64 frame, u64 top, u64 below)
{
	const struct ft_layout *l = my_layout();
	u64 next = 0;
	u32 i;

	if (!frame)
		return 0;
	for (i = 0; l && i < WALK_FRAMES; i++) {
		if (frame == below)
			return 0;
		if (frame == top)
			return WALK_MET;
		bpf_probe_read_user(&next, 8, (void *)(frame + l->frame_previous));
		if (!next)
			break;
		frame = next;
	}
	return l && next ? frame : 0;
}

/* Does call number n belong to the thread state of the present event? */
FT_GLOBAL int ft_call_is_here(u32 tid, u32 n)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_at(t, tid, n) : 0;

	return c && c->tstate == t->tstate;
}

#define WAIT_CALLS 64

/*
 * The top call belongs to another thread state than the present event: to a sub-interpreter's. It
 * waits for the present one if none of the calls below belongs to that; otherwise it is over.
 * WAIT_CALLS of them are examined.
 */
FT_GLOBAL int ft_call_waits(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 i;

	for (i = 2; t && i < WAIT_CALLS && i <= t->depth; i++)
		if (ft_call_is_here(tid, t->depth - i))
			return 0;
	return 1;
}

FT_GLOBAL int ft_call_is_live(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	u64 top_frame, below_frame = 0;
	struct call *below;
	u32 i;

	if (!l || !top)
		return 0;
	top_frame = top->frame;
	if (l->states_running) {
		if (frame_code(l, top_frame) != top->code)
			return 0;
		/* A frame that is returning no longer says that it runs. */
		if (top_frame == frame || is_running(l, top_frame))
			return 1;
		/* Nor does a frame whose trace function is called first (ceval.c:
		 * call_trace_protected): it is below the trace function's frame. */
		if (has_begun(l, top_frame) || frame == FRAME_AWAY)
			return 0;
	}
	if (frame == FRAME_AWAY)
		return !top->exc || l->frame_object == FT_NO_FIELD ||
		       (frame_code(l, top_frame) == top->code &&
			read_ptr(top_frame + l->frame_object) == top->object);
	if (!l->states_running && top->tstate != t->tstate)
		return ft_call_waits(tid);
	/* If the walk reaches the frame of the call below without meeting the top's, the top is
	 * gone. */
	below = t->depth > 1 ? call_at(t, tid, t->depth - 2) : 0;
	if (below && below->frame != top_frame)
		below_frame = below->frame;
	for (i = 0; i < WALK_ROUNDS; i++) {
		frame = ft_stack_walk(frame, top_frame, below_frame);
		if (frame <= WALK_MET)
			return frame && frame_code(l, top_frame) == top->code;
	}
	count(FT_LOST_walk_bound);
	thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_walk_bound);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
