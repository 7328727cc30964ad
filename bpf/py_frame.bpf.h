/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The shadow stack of a thread: its open calls of accepted functions, in chunks.
 *
 *     ft_stacks {tid, 0}: call 0 .. 15   {tid, 1}: call 16 .. 31   ...   top = depth - 1
 */
#ifndef FT_PY_FRAME_BPF_H
#define FT_PY_FRAME_BPF_H

#include "emit.bpf.h"
#include "quick.bpf.h"

#define CO_SUSPENDS (0x20 | 0x80 | 0x100 | 0x200) /* generator, coroutine, both kinds of async */
#define OWNER_GENERATOR 1
#define OWNER_SHIM 3 /* and above: an interpreter's own frame, below one that C calls (3.12) */

FT_INLINE struct call *call_in(const struct chunk_key *key, u32 n)
{
	struct call_chunk *c = bpf_map_lookup_elem(&ft_stacks, key);

	if (!c)
		return 0;
	barrier_var(c); /* the address is computed after the test, not before */
	return &c->call[n & (FT_CHUNK - 1)];
}

/* The slot of call number n of the thread, or NULL. */
FT_INLINE struct call *call_at(const struct thread *t, u32 tid, u32 n)
{
	struct chunk_key key = {.bottom = t->bottom, .tid = tid, .chunk = n / FT_CHUNK};

	return call_in(&key, n);
}

FT_INLINE struct call *call_top(const struct thread *t, u32 tid)
{
	return t->depth ? call_at(t, tid, t->depth - 1) : 0;
}

/* Counts the call that the caller has filled in as open. */
FT_INLINE void call_opened(struct thread *t, u32 tid, u64 frame)
{
	t->depth++;
	quick_opened(tid, frame);
	t->hidden_at = t->below_at = 0;
}

FT_INLINE void call_closed(struct thread *t, u32 tid)
{
	t->depth--;
	quick_closed(tid);
}

/* A slot for one more call; the caller fills it in, then calls call_opened(). */
FT_INLINE struct call *call_new(struct thread *t, u32 tid)
{
	struct chunk_key key = {.bottom = t->bottom, .tid = tid, .chunk = t->depth / FT_CHUNK};
	struct call *c = call_in(&key, t->depth);
	u32 zero = 0;
	void *zeroes;

	if (c || key.chunk >= FT_MAX_CHUNKS)
		return key.chunk < FT_MAX_CHUNKS ? c : 0;
	zeroes = bpf_map_lookup_elem(&ft_zero, &zero);
	if (!zeroes || bpf_map_update_elem(&ft_stacks, &key, zeroes, BPF_NOEXIST))
		return 0;
	return call_in(&key, t->depth);
}

FT_INLINE bool call_is(const struct call *c, u64 frame, u64 code)
{
	return c && c->frame == frame && c->code == code;
}

/*
 * Can the call be over without a hook that saw it? An exception is seen in each frame that it
 * leaves, so not without an exception. But up to 3.10 `await` suspends without a hook, and JIT code
 * leaves in ways of its own.
 */
FT_INLINE bool maybe_dead(const struct ft_proc *p, const struct call *c, u64 tstate)
{
	if (p->flags & FT_PROC_JIT)
		return true;
	return !p->layout.exits_exact &&
	       (c->exc || p->layout.states_running || c->tstate != tstate);
}

/* The level of what this call calls; NULL: of what no call of the trace calls. */
FT_INLINE u32 level_below(const struct call *c)
{
	return c ? c->level + !(c->flags & (CALL_HIDDEN | CALL_NO_ROOT)) : 0;
}

/* By which rule is what this call calls left out, whatever it is? 0: by none. */
FT_INLINE enum ft_left_out out_below(const struct ft_policy *policy, const struct call *c)
{
	if (c->request & 1 ? c->request & HTTP_UNSAMPLED : c->flags & CALL_UNSAMPLED)
		return FT_LEFT_OUT_sample;
	if (policy->call_depth && level_below(c) >= policy->call_depth)
		return FT_LEFT_OUT_call_depth;
	return FT_LEFT_OUT_NONE;
}

/* A call that is not in the trace has the span of its caller, if any. */
FT_INLINE void borrow_span(struct call *c, const struct call *below)
{
	c->start_ns = below ? below->start_ns : 0;
	c->start_tid = below ? below->start_tid : 0;
}

FT_INLINE u64 frame_code(const struct ft_layout *l, u64 frame)
{
	return read_ref(l, frame + l->frame_code);
}

/* The code of a frame object, which outlives its frame while a traceback refers to it. */
FT_INLINE u64 object_code(const struct ft_layout *l, u64 object)
{
	if (l->pyframe_frame != FT_NO_FIELD)
		object = read_ptr(object + l->pyframe_frame);
	return plausible(object) ? frame_code(l, object) : 0;
}

FT_INLINE bool is_resume(const struct ft_layout *l, u16 unit)
{
	u8 op = unit;

	return op && (op == l->op_resume[0] || op == l->op_resume[1] || op == l->op_resume[2] ||
		      op == l->op_resume[3]);
}

/* ---- suspended generators ------------------------------------------------------------- */

FT_INLINE struct call *suspended_find(u32 tgid, u64 frame, u64 code)
{
	struct frame_key key = {.frame = frame, .tgid = tgid};
	struct call *c = bpf_map_lookup_elem(&ft_suspended, &key);

	return c && c->code == code ? c : 0;
}

/* Has the body in this frame object begun (up to 3.10)? */
FT_INLINE bool has_begun(const struct ft_layout *l, u64 frame)
{
	s32 lasti = -1;

	return !read_at(&lasti, 4, frame + l->frame_lasti) && lasti >= 0;
}

/* Is the generator of this frame object suspended (up to 3.10)? Its body has begun. */
FT_INLINE bool is_suspended(const struct ft_layout *l, u64 frame)
{
	s8 state = 0;

	if (l->frame_stacktop != FT_NO_FIELD)
		return read_ptr(frame + l->frame_stacktop) != 0;
	read_at(&state, 1, frame + l->frame_state);
	return state == l->frame_state_suspended;
}

/* Does the body of this frame object run (up to 3.10)? */
FT_INLINE bool is_running(const struct ft_layout *l, u64 frame)
{
	s8 state = 0;

	return !read_at(&state, 1, frame + l->frame_state) && l->states_running >> (state & 7) & 1;
}

/* Remembers a suspended call until it resumes or ends. */
FT_INLINE void suspended_keep(struct thread *t, struct ft_proc *p, struct call *c)
{
	struct frame_key key = {.frame = c->frame, .tgid = t->pid};

	if (c->flags & CALL_STORED)
		return;
	c->flags |= CALL_STORED;
	if (!(p->flags & FT_PROC_SUSPENDS))
		quick_void();
	p->flags |= FT_PROC_SUSPENDS;
	if (bpf_map_update_elem(&ft_suspended, &key, c, BPF_ANY)) {
		count(FT_LOST_suspended_full);
		thread_lost(t, bpf_ktime_get_ns(), 1, FT_LOST_suspended_full);
	}
}

FT_INLINE void suspended_drop(u32 tgid, u64 frame)
{
	struct frame_key key = {.frame = frame, .tgid = tgid};

	bpf_map_delete_elem(&ft_suspended, &key);
}

#define HANDLED_BOUND 16 /* nested generators without a handled exception */

/* The exception that is being handled, which a bare `raise` raises again; or 0. */
FT_INLINE u64 handled(const struct ft_layout *l, u64 tstate)
{
	u64 info = read_ptr(tstate + l->tstate_exc_info), value;
	u32 i;

	for (i = 0; i < HANDLED_BOUND && plausible(info); i++) {
		value = read_ptr(info + l->exc_info_value);
		if (value && value != l->none_addr)
			return value;
		info = read_ptr(info + l->exc_info_previous);
	}
	return 0;
}

#endif
