/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The shadow stack of a thread: its open calls of accepted functions, in chunks.
 *
 *     ft_stacks {tid, 0}: call 0 .. 15   {tid, 1}: call 16 .. 31   ...   top = depth - 1
 *
 * No hook sees a call that an exception leaves. Such a call is found dead later, when its
 * frame no longer stands on the interpreter's own stack:
 *
 *     settle(start): while the top of the shadow stack is not among the frames from start
 *                    downwards (frame.previous), it was left by exception: close it.
 *
 * A frame address alone proves nothing, since frames are reused; the address and the code
 * object in the frame do, because every new call of that code would have been pushed.
 *
 * Up to 3.10 a frame is an object that says whether its body runs, and nothing is walked. It
 * is also the better answer: a generator that is thrown into through `yield from` stands at
 * the bottom of a chain of its own (genobject.c, _gen_throw).
 */
#ifndef FT_PY_FRAME_BPF_H
#define FT_PY_FRAME_BPF_H

#include "py_value.bpf.h"

/* Frames that are looked through, WALK_ROUNDS times WALK_FRAMES: above the default recursion
 * limit, so that only programs that raised theirs can exceed it. */
#define WALK_FRAMES 64
#define WALK_ROUNDS 17
/* The same where a step is long: the verifier goes through the steps of a round one by one, but
 * through a function that is called once. */
#define WALK_FEW 16
#define WALK_MANY (WALK_ROUNDS * WALK_FRAMES / WALK_FEW)
#define FT_UNWIND_BOUND 8 /* calls closed by one event; the next event goes on */
#define CO_SUSPENDS (0x20 | 0x80 | 0x100 | 0x200) /* generator, coroutine, both kinds of async */
#define OWNER_GENERATOR 1
#define OWNER_SHIM                                                                                 \
	3 /* and above: a frame of the interpreter's own, below one that C calls (3.12) */

/* Goes down at most WALK_FRAMES frames. WALK_MET: met frame top; 0: met frame below, or the
 * bottom; else the frame where it is. */
u64 ft_descend(u64 frame, u64 top, u64 below);
#define WALK_MET 1
/* Does the top call's frame stand among the frames from this one downwards? */
int ft_alive(u32 tid, u64 frame);
/* In place of the frame: the thread is in another greenlet, so the top's own frame has to tell. */
#define FRAME_AWAY 1
/*
 * Closes calls at the top that are no longer alive, seen from frame start, and stops at
 * one that is. A call whose frame is fresh is dead whatever its code: a new call began at
 * that address (0 = none). exc: the exception that is under way, whose RAISE record is
 * built in the thread's slot (0 = none).
 */
int ft_settle(u32 tid, u64 start, u64 fresh, u64 exc);
/* Goes through at most WALK_FEW entries of a traceback. WALK_MET: met one of this frame object,
 * with this code; 0: there is none; else the entry where it is. */
u64 ft_trace_back(u64 traceback, u64 object, u64 code);
/* Was the top call, which is gone, left by this exception, which is under way? -1: not to be told.
 */
int ft_left_by(u32 tid, u64 exc);
/*
 * A generator that is thrown into goes on without a RESUME (3.11): no hook pushes its call. One
 * that waits behind `yield from` while the inner one handles what was thrown runs none of its code
 * at all, but stands among the frames, below the inner one. What they call is then looked for
 * below: among the frames down to the top call's, if a generator whose call is kept as suspended
 * stands there, it is the parent. It is not pushed, since when it waits again no hook may tell.
 *
 *     thread->thrown    1 + calls that were open when throw() was called, or an exception was
 *                       first seen in such a generator; 0 again when none is found there any more
 *     thread->thrown_into
 *                       the one that was thrown into; it stands at thrown_at until it goes on, and
 *                       before that it need not be among the frames: up to 3.13.0 it is not while
 *                       a throw() is called that is no generator's
 *
 * PyTraceBack_Here is the first hook that such a generator passes itself.
 */
int ft_thrown_into(u32 tgid, u64 frame, u64 top);
/* The frame of that generator, the nearest from this frame downwards; 0 = there is none; WALK_MET:
 * nor is the top call there, for one that waits stands at the bottom of a chain of its own (3.9,
 * genobject.c, _gen_throw). */
u64 ft_thrown_below(u32 tid, u64 frame);
/* The calls of a thread are forgotten, those of all its greenlets. */
int ft_drop_stacks(u32 tid);
/* Begins the tokens of a RAISE record for the exception (type, value), as the thread state
 * holds it: up to 3.11 the value may be no instance yet. The rest is to be walked. */
int ft_begin_raise(u32 tid, u64 type, u64 value);
/* ... and behind them, with --stack, the way that it came; traceback.bpf.h */
int ft_traceback_put(u32 tid);

FT_INLINE int build_raise(u32 tid, u64 type, u64 value)
{
	if (ft_begin_raise(tid, type, value))
		return -1;
	ft_walk(tid);
	if (ft_settings.stack)
		ft_traceback_put(tid);
	return 0;
}

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

/* One more call is open: the one that was filled. */
FT_INLINE void call_opened(struct thread *t)
{
	t->depth++;
	t->hidden_at = 0;
}

/* A slot for one more call; the caller fills it, then call_opened(). */
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
 * Can it be over though no hook saw that? An exception is seen in each frame that it leaves, so not
 * without one; but up to 3.10 `await` suspends where no hook is, and a JIT leaves by ways of its
 * own.
 */
FT_INLINE bool may_be_over(const struct ft_proc *p, const struct call *c, u64 tstate)
{
	if (p->flags & FT_PROC_JIT)
		return true;
	return !p->layout.exits_exact &&
	       (c->exc || p->layout.states_running || c->tstate != tstate);
}

/* A call that is not in the trace stands for the span of the one below it, if any. */
FT_INLINE void named_as(struct call *c, const struct call *below)
{
	c->start_ns = below ? below->start_ns : 0;
	c->start_tid = below ? below->start_tid : 0;
}

FT_INLINE u64 frame_code(const struct ft_layout *l, u64 frame)
{
	return read_ref(l, frame + l->frame_code);
}

/* The code of a frame object, which outlives its frame as long as a traceback names it. */
FT_INLINE u64 object_code(const struct ft_layout *l, u64 object)
{
	if (l->pyframe_frame != FT_NONE)
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

/* Is this frame object, of a body that has begun, that of a generator which waits (up to 3.10)? */
FT_INLINE bool is_suspended(const struct ft_layout *l, u64 frame)
{
	s8 state = 0;

	if (l->frame_stacktop != FT_NONE)
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

/* Remembers a call that was suspended, until it goes on or ends. */
FT_INLINE void suspended_keep(struct thread *t, struct ft_proc *p, struct call *c)
{
	struct frame_key key = {.frame = c->frame, .tgid = t->pid};

	if (c->flags & CALL_STORED)
		return;
	c->flags |= CALL_STORED;
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

#define HANDLED_BOUND 16 /* generators that run in each other without handling anything */

/* The exception that is being handled, and so what a bare `raise` raises again; or 0. */
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

/* ---- HTTP requests; http.bpf.c ------------------------------------------------------- */

/* A call with these CALL_* flags, made for this request, is over; failed: by exception. */
int ft_http_leave(u32 tid, u64 request, u32 flags, u32 failed);

FT_INLINE void http_leave(u32 tid, const struct call *c, u32 failed)
{
	if (c->flags & (CALL_REQUEST | CALL_WSGI | CALL_ASGI | CALL_STATUS | CALL_PART))
		ft_http_leave(tid, c->request, c->flags, failed);
}

/* Is this the class of what is no Exception: asyncio.CancelledError, GeneratorExit? */
int ft_http_gone(u64 type);

/* An exception of this class passes through the call. */
FT_INLINE void http_raised(struct call *c, u64 type)
{
	if (!(c->flags & CALL_ASGI))
		return;
	c->flags &= ~CALL_GONE;
	if (ft_http_gone(type))
		c->flags |= CALL_GONE;
}

/* What user space knows its function by. */
FT_INLINE u64 code_id(const struct call *c)
{
	return c->code | (u64)c->variant << CODE_VARIANT;
}

/* ---- records of calls -------------------------------------------------------------------- */

/* The EXIT record of a call that was left by exception; it has no tokens. */
FT_INLINE void send_unwound(struct thread *t, u32 tid, const struct call *c, u64 now)
{
	struct ft_rec_exit *r = &t->exit;

	if (c->flags & CALL_HIDDEN)
		return;
	if (c->flags & CALL_LOST) {
		thread_lost(t, now, 1, FT_LOST_ring_full);
		return;
	}
	head_init(&r->hdr, FT_REC_EXIT, sizeof(*r), t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->how = FT_EXIT_EXCEPTION;
	send(t, tid, now, r, sizeof(*r), 1);
}

/* By which exception the call was left cannot be told: a RAISE record without tokens. */
FT_INLINE void send_unknown(struct thread *t, u32 tid, const struct call *c, u64 now)
{
	struct ft_rec_raise *r = (void *)t->small;

	if (c->flags & CALL_HIDDEN)
		return;
	thread_lost(t, now, 1, FT_LOST_walk_bound);
	if (c->flags & CALL_LOST)
		return;
	head_init(&r->hdr, FT_REC_RAISE, sizeof(*r), t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->line = 0;
	r->exc = 0;
	send(t, tid, now, r, sizeof(*r), 0);
}

/* Sends the RAISE record whose tokens are in t->tok, for this call. below: FT_RAISE_BELOW or 0. */
FT_INLINE void send_raise(struct thread *t, u32 tid, const struct call *c, u64 exc, u64 now,
			  u32 below)
{
	struct ft_rec_raise *r = head_of(t, sizeof(*r));

	if (c->flags & (CALL_LOST | CALL_HIDDEN))
		return;
	head_init(&r->hdr, FT_REC_RAISE, 0, t->pid, tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->line = 0;
	r->exc = exc;
	r->hdr.flags = (t->traceback.open ? FT_RAISE_STACK : 0) | below;
	send_tokens(t, tid, now, sizeof(*r), 0);
}

#endif
