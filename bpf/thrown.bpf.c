/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Finds generators below a call that no hook pushed. */
#include "stack.bpf.h"
#include "thrown.bpf.h"

#define FRAME_OF_CALL 0	  /* neither a generator's nor the interpreter's own */
#define FRAME_BETWEEN 1	  /* a generator's, or the interpreter's own */
#define FRAME_SUSPENDED 2 /* of a generator whose call is kept as suspended */

FT_GLOBAL int ft_frame_is(u32 tgid, u64 frame)
{
	const struct ft_layout *l = my_layout();
	u64 code = l ? frame_code(l, frame) : 0;
	u8 owner = l ? frame_owner(l, frame, code) : 0;

	if (owner == OWNER_GENERATOR)
		return suspended_find(tgid, frame, code) ? FRAME_SUSPENDED : FRAME_BETWEEN;
	return owner >= OWNER_SHIM ? FRAME_BETWEEN : FRAME_OF_CALL;
}

/*
 * Among the generators that run from this frame downwards, each in the `yield from` of the next, is
 * there one whose call is kept as suspended? Frames of the interpreter's own may be between them.
 */
FT_GLOBAL int ft_thrown_into(u32 tgid, u64 frame, u64 top)
{
	const struct ft_layout *l = my_layout();
	u32 i;
	int is;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (!plausible(frame) || frame == top)
			return 0;
		is = ft_frame_is(tgid, frame);
		if (is != FRAME_BETWEEN)
			return is == FRAME_SUSPENDED;
		frame = read_ptr(frame + l->frame_previous);
	}
	return l != 0; /* the next entry continues the search */
}

/* Examines WALK_FEW frames. Returns the generator's | WALK_MET; 0: at the top call; WALK_MET: at
 * the bottom; else the frame to continue from. */
FT_GLOBAL u64 ft_generator_below(u32 tgid, u64 frame, u64 top)
{
	const struct ft_layout *l = my_layout();
	u32 i;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (frame == top)
			return 0;
		if (!plausible(frame))
			return WALK_MET;
		if (ft_frame_is(tgid, frame) == FRAME_SUSPENDED)
			return frame | WALK_MET;
		frame = read_ptr(frame + l->frame_previous);
	}
	return l ? frame : 0;
}

/* Has the generator of the last throw() not resumed since? */
FT_INLINE bool is_waiting(const struct ft_layout *l, const struct thread *t)
{
	return t->thrown_into && read_ptr(t->thrown_into + l->frame_instr) == t->thrown_at;
}

FT_GLOBAL u64 ft_thrown_below(u32 tid, u64 frame)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	u64 top_frame = top ? top->frame : 0;
	u32 i, tgid = my_ids() >> 32;

	if (!l)
		return 0;
	for (i = 0; i < WALK_MANY; i++) {
		frame = ft_generator_below(tgid, frame, top_frame);
		if (frame > WALK_MET && frame & WALK_MET)
			return frame & ~(u64)WALK_MET;
		if (frame <= WALK_MET)
			break;
	}
	if (frame > WALK_MET) {
		count(FT_LOST_walk_bound);
		thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_walk_bound);
		return 0;
	}
	if (frame && top && l->states_running)
		return WALK_MET;
	if (t->depth < t->thrown && !is_waiting(l, t))
		t->thrown = 0;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
