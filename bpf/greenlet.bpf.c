/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Greenlets (gevent, eventlet): several stacks of calls on one thread, of which one runs. No hook
 * sees a switch. But each greenlet has an outermost Python frame of its own, its bottom, which
 * stays as long as anything runs above it:
 *
 *     thread ──> stack of the greenlet that ran last     f  g  h     bottom: the frame of f
 *     parked     {thread, another bottom}                x  y        bottom: the frame of x
 *
 * So the bottom below a frame tells to which greenlet it belongs. Most hooks need no walk down to
 * it: an entry from the innermost call, and the exit of that, belong to the stack that ran last.
 * Nothing of this is done before the process has loaded greenlet.
 */
#include "greenlet.bpf.h"
#include "hook.bpf.h"

#include <bpf/bpf_tracing.h>

#define PARKED_MAX 8192
#define DROPPED_AT_ONCE 128

/* A stack of calls that does not run. Those of one thread are a list, so that all can be dropped at
 * its end. */
struct parked {
	u64 older, newer;  /* bottom | IS_SET; 0 = none */
	u32 depth, thrown; /* of struct thread */
};

#define IS_SET 1ULL

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	FT_ENTRIES(PARKED_MAX);
	__type(key, struct chunk_key); /* of its first chunk */
	__type(value, struct parked);
} ft_parked SEC(".maps");

FT_INLINE struct parked *parked_find(u32 tid, u64 bottom)
{
	struct chunk_key key = {.bottom = bottom, .tid = tid};

	return bpf_map_lookup_elem(&ft_parked, &key);
}

/* ---- the greenlet of a frame --------------------------------------------------------------- */

/* Is this a frame of the interpreter's own? Such frames are on the C stack, so another greenlet may
 * have one at the same address. */
FT_INLINE bool is_shim(const struct ft_layout *l, u64 frame)
{
	u8 owner = 0;

	return l->frame_owner != FT_NO_FIELD && !read_at(&owner, 1, frame + l->frame_owner) &&
	       owner >= OWNER_SHIM;
}

/*
 * Walks down at most WALK_FRAMES frames. Returns at the bottom: the last frame of Python code |
 * IS_SET; else a frame to continue from; 0: memory cannot be read.
 */
FT_GLOBAL u64 ft_lower(u64 frame)
{
	const struct ft_layout *l = my_layout();
	u64 above[2] = {}, next = 0;
	u32 i;

	if (!l || !frame)
		return 0;
	for (i = 0; i < WALK_FRAMES; i++) {
		if (bpf_probe_read_user(&next, 8, (void *)(frame + l->frame_previous)))
			return 0;
		if (!next)
			break;
		above[1] = above[0];
		above[0] = frame;
		frame = next;
	}
	if (next)
		return above[1];
	/* The outermost may be two shims: of the call from C, and of the thread (3.15). */
	if (above[0] && is_shim(l, frame)) {
		frame = above[0];
		if (above[1] && is_shim(l, frame))
			frame = above[1];
	}
	return frame | IS_SET;
}

/*
 * Up to 3.10 a generator into which an exception is thrown through `yield from` is at the bottom of
 * a chain of its own (genobject.c, _gen_throw), and up to 3.9 its frame says that it does not run.
 * That is not a greenlet.
 */
FT_INLINE bool is_thrown_into(const struct ft_layout *l, u64 bottom)
{
	return l->states_running && !is_running(l, bottom);
}

FT_INLINE u64 bottom_of(u64 frame)
{
	u32 i;

	for (i = 0; i < WALK_ROUNDS && frame && !(frame & IS_SET); i++)
		frame = ft_lower(frame);
	return frame & IS_SET ? frame & ~IS_SET : 0;
}

/*
 * The calls that a thread had open when greenlet was loaded belong to the greenlet whose frames
 * include them. Until that is known their bottom is 0, and it stays so.
 */
FT_INLINE bool is_first(struct thread *t, u32 tid, u64 frame)
{
	struct parked *p = t->bottom ? parked_find(tid, 0) : 0;
	struct chunk_key key = {.tid = tid};
	u32 depth = t->bottom ? (p ? p->depth : 0) : t->depth, i;
	struct call *c;
	u64 top;

	if (!depth--)
		return false;
	key.chunk = depth / FT_CHUNK;
	c = call_in(&key, depth);
	if (!c)
		return false;
	top = c->frame;
	for (i = 0; i < WALK_ROUNDS && frame > WALK_MET; i++)
		frame = ft_stack_walk(frame, top, 0);
	return frame == WALK_MET;
}

FT_GLOBAL int ft_on_other_stack(u32 tid, u64 frame, u32 enters)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *top = t ? call_top(t, tid) : 0;
	u64 at = frame, bottom;

	if (!l)
		return 0;
	if (enters && top) {
		at = read_ptr(frame + l->frame_previous);
		if (at && is_shim(l, at))
			at = read_ptr(at + l->frame_previous);
	}
	if (top && at && call_is(top, at, frame_code(l, at)))
		return 0;
	bottom = bottom_of(frame);
	if (!bottom) {
		count(FT_LOST_walk_bound);
		thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_walk_bound);
		return 0;
	}
	if (bottom != frame && is_thrown_into(l, bottom))
		return 0;
	if (!t->first && is_first(t, tid, frame))
		t->first = bottom;
	t->next_bottom = bottom == t->first ? 0 : bottom;
	return t->next_bottom != t->bottom;
}

/* ---- from one to another ------------------------------------------------------------------- */

#define CHUNKS_AT_ONCE 32

/* 1: there may be more chunks after these. */
FT_GLOBAL int ft_drop_chunks(u32 tid, u64 bottom, u32 from)
{
	struct chunk_key key = {.tid = tid, .bottom = bottom};
	u32 i;

	for (i = 0; i < CHUNKS_AT_ONCE; i++) {
		key.chunk = from + i;
		if (bpf_map_delete_elem(&ft_stacks, &key))
			return 0;
	}
	return 1;
}

FT_GLOBAL int ft_drop_stack(u32 tid, u64 bottom)
{
	u32 i;

	for (i = 0; i < FT_MAX_CHUNKS / CHUNKS_AT_ONCE; i++)
		if (!ft_drop_chunks(tid, bottom, i * CHUNKS_AT_ONCE))
			break;
	return 0;
}

FT_INLINE void park(struct thread *t, u32 tid)
{
	struct chunk_key key = {.bottom = t->bottom, .tid = tid};
	struct parked p = {.older = t->parked, .depth = t->depth}, *older;

	p.thrown = t->thrown;
	if (!t->depth && !t->thrown) {
		ft_drop_stack(tid, t->bottom);
		return;
	}
	if (bpf_map_update_elem(&ft_parked, &key, &p, BPF_ANY)) {
		count(FT_LOST_stack_full);
		thread_lost(t, bpf_ktime_get_ns(), t->depth, FT_LOST_stack_full);
		ft_drop_stack(tid, t->bottom);
		return;
	}
	older = t->parked ? parked_find(tid, t->parked & ~IS_SET) : 0;
	if (older)
		older->newer = t->bottom | IS_SET;
	t->parked = t->bottom | IS_SET;
}

/* Removes the stack from the list and makes it the thread's. */
FT_GLOBAL int ft_unpark(u32 tid, u64 bottom)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct chunk_key key = {.bottom = bottom, .tid = tid};
	struct parked *p = parked_find(tid, bottom), *other, was;

	if (!t)
		return 0;
	t->depth = t->thrown = 0;
	t->bottom = bottom;
	t->hidden_at = t->below_at = 0;
	if (!p)
		return 0;
	was = *p;
	t->depth = was.depth;
	t->thrown = was.thrown;
	bpf_map_delete_elem(&ft_parked, &key);
	other = was.older ? parked_find(tid, was.older & ~IS_SET) : 0;
	if (other)
		other->newer = was.newer;
	other = was.newer ? parked_find(tid, was.newer & ~IS_SET) : 0;
	if (other)
		other->older = was.older;
	if (t->parked == (bottom | IS_SET))
		t->parked = was.older;
	return 0;
}

FT_GLOBAL int ft_switch_stack(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);

	if (!t)
		return 0;
	park(t, tid);
	ft_unpark(tid, t->next_bottom);
	return 0;
}

/* Drops some of them; 0: none is left. */
FT_GLOBAL int ft_drop_parked(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 bottom;
	u32 i;

	for (i = 0; t && t->parked && i < DROPPED_AT_ONCE; i++) {
		bottom = t->parked & ~IS_SET;
		ft_unpark(tid, bottom);
		ft_drop_stack(tid, bottom);
	}
	return t && t->parked;
}

FT_GLOBAL int ft_drop_stacks(u32 tid)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u32 i;

	if (!t)
		return 0;
	ft_drop_stack(tid, t->bottom);
	for (i = 0; i < PARKED_MAX / DROPPED_AT_ONCE; i++)
		if (!ft_drop_parked(tid))
			break;
	return 0;
}

/* ---- when it begins ------------------------------------------------------------------------ */

#define GREENLET 0x74656c6e65657267ULL /* "greenlet" */

/*
 * PyCapsule_New(pointer, name, destructor): every release of greenlet creates "greenlet._C_API"
 * while it is loaded. The thread that loads it is in its first greenlet. A process that is still
 * dormant is told of it when it wakes.
 */
FT_HOOK("uprobe", ft_greenlet_loaded)
{
	u64 name = PT_REGS_PARM2(ctx), text = 0;
	struct thread *t;
	struct probe p;
	bool ours = probe_ours(&p, ctx);

	if (!p.proc || p.proc->flags & FT_PROC_GREENLETS || read_at(&text, 8, name) ||
	    text != GREENLET)
		return 0;
	p.proc->flags |= FT_PROC_GREENLETS;
	quick_void();
	if (!ours)
		return 0;
	t = bpf_map_lookup_elem(&ft_threads, &p.tid);
	if (t && t->depth && probe_running(&p))
		t->first = bottom_of(p.frame);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
