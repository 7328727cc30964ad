/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A body starts, or goes on after a suspension: its call is pushed on the thread's shadow stack,
 * and of one that starts ENTER is sent.
 */
#ifndef FT_ENTER_BPF_H
#define FT_ENTER_BPF_H

#include "http.bpf.h"
#include "thread_name.bpf.h"
#include "thrown.bpf.h"
#include "wanted.bpf.h"

#define NO_EXCEPTION 0

/* ---- where a body stands (3.11 on) ----------------------------------------------------------- */

/*
 * 1: RESUME at the start of the body; 0: after a suspension; -1: no RESUME to be found.
 * reached: its handler was, so it is there, maybe under an INSTRUMENTED_INSTRUCTION.
 */
FT_INLINE int at_start(const struct ft_layout *l, u64 frame, bool reached)
{
	u64 instr = read_ptr(frame + l->frame_instr);
	u16 unit[2] = {};
	u32 i;

	/* The frame points at the RESUME, or still at the instruction before it. */
	if (read_at(unit, sizeof(unit), instr))
		return -1;
	for (i = 0; i < 2; i++)
		if (is_resume(l, unit[i]))
			return ((unit[i] >> 8) & l->resume_mask) == 0;
	if (reached && l->op_instruction && (u8)unit[0] == l->op_instruction)
		return ((unit[0] >> 8) & l->resume_mask) == 0;
	return -1;
}

/* ---- entries --------------------------------------------------------------------------------- */

/* Until it has been told: the ring may be full. */
FT_INLINE void name_thread(struct thread *t, struct hit *h)
{
	if (h->tid == h->tgid || !ft_thread_name(h->tid, h->frame)) {
		t->named = 1;
		return;
	}
	ft_walk(h->tid);
	t->named = !ft_thread_send(h->tid);
}

FT_INLINE u64 previous_of(const struct hit *h)
{
	return read_ptr(h->frame + h->l->frame_previous);
}

/* The thread, with its stale calls closed as seen from the frame below this one, which is then in
 * *previous. */
FT_INLINE struct thread *thread_at_entry(struct hit *h, u64 fresh, u64 *previous)
{
	struct thread *t = thread_get(h->tgid, h->tid);
	struct call *top;

	if (!t)
		return 0;
	if (!t->named)
		name_thread(t, h);
	t->tstate = h->tstate;
	top = call_top(t, h->tid);
	if (!top || (top->frame != fresh && !may_be_over(h->proc, top, h->tstate)))
		return t;
	*previous = previous_of(h);
	if (top->frame != *previous || top->code != frame_code(h->l, *previous))
		ft_settle(h->tid, *previous, fresh, NO_EXCEPTION);
	return t;
}

FT_INLINE struct call *push(struct thread *t, struct hit *h)
{
	struct call *c = call_new(t, h->tid);

	if (!c) {
		count(FT_LOST_stack_full);
		return 0;
	}
	call_opened(t);
	return c;
}

/* A generator that goes on is the call that it was before. */
FT_INLINE struct call *push_suspended(struct thread *t, struct hit *h, u64 frame, u64 code)
{
	struct call *was = suspended_find(h->tgid, frame, code);
	struct call *c = was ? push(t, h) : 0;

	if (c) {
		*c = *was;
		c->tstate = h->tstate;
	}
	return c;
}

/*
 * The caller is a generator that we did not see go on: thrown into, its sub-iterator ended,
 * and it continues behind its `yield from` without a RESUME (3.11 genobject.c, _gen_throw). While
 * it still stands at that, the call is one of the sub-iterator's throw() (3.11).
 */
FT_INLINE void resume_caller(struct thread *t, struct hit *h, struct call *top, u64 previous)
{
	u8 owner = 0;

	if (h->l->frame_owner == FT_NONE || (top && top->frame == previous) ||
	    read_at(&owner, 1, previous + h->l->frame_owner) || owner != OWNER_GENERATOR ||
	    at_start(h->l, previous, false) == 0)
		return;
	push_suspended(t, h, previous, frame_code(h->l, previous));
}

/*
 * Called from C where a generator stands whose call is not pushed: by its iterator's throw(), or by
 * what watches it when it is suspended or thrown into (sys.setprofile(), sys.monitoring).
 */
FT_INLINE struct call *waiting_below(struct hit *h, const struct call *top, u64 frame)
{
	u8 owner = 0;

	if (h->l->frame_owner == FT_NONE)
		return 0;
	read_at(&owner, 1, frame + h->l->frame_owner);
	if (owner >= OWNER_SHIM) {
		frame = read_ptr(frame + h->l->frame_previous);
		if (!plausible(frame) || (top && top->frame == frame) ||
		    read_at(&owner, 1, frame + h->l->frame_owner))
			return 0;
	}
	return owner == OWNER_GENERATOR ? suspended_find(h->tgid, frame, frame_code(h->l, frame))
					: 0;
}

/* May a call that is not pushed be below? Up to 3.10 only when something is thrown. */
FT_INLINE bool may_be_unpushed(const struct thread *t, const struct hit *h)
{
	return h->l->frame_owner != FT_NONE || t->thrown;
}

/* The call that is below an entry: the innermost that is open, or a generator that is not pushed.
 */
FT_INLINE struct call *call_below(struct thread *t, struct hit *h, u64 previous)
{
	struct call *top = call_top(t, h->tid), *waiting;
	u64 frame;

	if (!previous || (top && top->frame == previous))
		return top;
	waiting = waiting_below(h, top, previous);
	if (waiting || !t->thrown)
		return waiting ?: top;
	frame = ft_thrown_below(h->tid, previous);
	if (frame == WALK_MET)
		return 0;
	return (frame ? suspended_find(h->tgid, frame, frame_code(h->l, frame)) : 0) ?: top;
}

#define PLAIN_PARAMS 4

/* The first parameters, as long as they are plain: what most calls are made of. */
FT_INLINE void plain_params(struct thread *t, struct hit *h, struct level *lv)
{
	u64 special = h->entry->cell_mask | h->entry->redact_mask, ref[PLAIN_PARAMS];
	u32 i;

	/* All at once; there may be fewer, but other slots of the frame are behind them. */
	if (read_at(ref, sizeof(ref), lv->base))
		return;
	for (i = 0; i < PLAIN_PARAMS; i++) {
		if (i >= lv->n || special >> i & 1 ||
		    !put_plain(h->l, t, h->tid, ref[i] & ~h->l->tag_mask))
			break;
		lv->idx = i + 1;
	}
}

/* What ENTER carries: the request, if any, and the arguments. */
FT_INLINE void put_args(struct thread *t, struct hit *h, u64 request)
{
	struct level *lv;

	walk_begin(t);
	if (request)
		tok_word(t, request);
	if (!(ft_settings.capture & FT_CAPTURE_ARGS) || !h->entry->nparams)
		return;
	t->walk.cell_mask = h->entry->cell_mask;
	t->walk.redact_mask = h->entry->redact_mask;
	if (h->entry->cell_mask) {
		t->walk.cells = h->frame + h->l->frame_localsplus + 8 * (u64)h->entry->cells_slot;
		__builtin_memcpy(t->walk.arg_cell, h->entry->arg_cell, FT_CELLS);
	}
	lv = walk_push(t, LEVEL_PARAMS, h->frame + h->l->frame_localsplus, h->entry->nparams);
	plain_params(t, h, lv);
	if (lv->idx < lv->n)
		ft_walk(h->tid);
}

FT_INLINE void start(struct hit *h)
{
	u64 previous = 0, now, request = 0;
	struct thread *t = thread_at_entry(h, h->frame, &previous);
	struct ft_rec_enter *r;
	struct call *top, *c;
	u32 flags = 0;
	bool suspends;

	if (!t)
		return;
	now = bpf_ktime_get_ns();
	top = call_top(t, h->tid);
	/* One entry can pass two handlers: a RESUME that turns into another one. */
	if (h->l->exits_exact && call_is(top, h->frame, h->code))
		return;
	suspends = h->proc->flags & FT_PROC_SUSPENDS && may_be_unpushed(t, h);
	if (!previous && (suspends || h->entry->role))
		previous = previous_of(h);
	if (suspends) {
		resume_caller(t, h, top, previous);
		top = call_below(t, h, previous);
	}
	if (h->entry->role) {
		flags = http_start(h->tid, h->frame, h->code, previous);
		if (!flags && h->entry->verdict != CODE_ACCEPT)
			return;
		request = t->http.number;
		now = bpf_ktime_get_ns();
		top = call_below(t, h, previous);
	} else {
		request = thread_request(h->proc, h->tid, top);
		if (!request && !top && t->http.body)
			request = ft_http_body(h->tid, h->frame, h->code);
	}
	c = push(t, h);
	if (!c) {
		thread_lost(t, now, 2, FT_LOST_stack_full);
		return;
	}
	c->frame = h->frame;
	c->code = h->code;
	c->start_ns = now;
	c->start_tid = h->tid;
	c->flags = flags | (h->entry->flags & CO_SUSPENDS ? CALL_GENERATOR : 0);
	c->request = request;
	/* One that was dropped in this place, without any event, is over. */
	if (c->flags && h->l->exits_exact && h->proc->flags & FT_PROC_SUSPENDS)
		suspended_drop(h->tgid, h->frame);
	c->exc = 0;
	c->object = 0;
	c->tstate = h->tstate;
	c->variant = h->entry->variant;
	if (h->entry->verdict != CODE_ACCEPT) {
		c->flags |= CALL_HIDDEN;
		named_as(c, top);
		return;
	}
	if (request == HTTP_UNSEEN)
		request = 0;
	put_args(t, h, request);
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_ENTER, 0, h->tgid, h->tid, now);
	r->hdr.flags = request ? FT_ENTER_REQUEST : 0;
	r->code = code_id(c);
	r->parent_ns = top ? top->start_ns : 0;
	r->parent_tid = top ? top->start_tid : 0;
	r->pad = 0;
	if (send_tokens(t, h->tid, now, sizeof(*r), 1)) {
		c->flags |= CALL_LOST;
		named_as(c, top);
	}
}

/* An application that was called before the trace, or for no HTTP request. */
FT_INLINE void push_unseen(struct thread *t, struct hit *h)
{
	struct call *below = call_top(t, h->tid), *c = push(t, h);

	if (!c)
		return;
	c->frame = h->frame;
	c->code = h->code;
	named_as(c, below);
	c->flags = CALL_HIDDEN | CALL_GENERATOR | CALL_UNSEEN;
	c->variant = 0;
	c->exc = 0;
	c->object = 0;
	c->tstate = h->tstate;
	c->request = HTTP_UNSEEN;
}

FT_INLINE void go_on(struct hit *h)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &h->tid);
	u64 previous = 0;

	/* Still there: its suspension was not seen, or two handlers were passed. */
	if (t && call_is(call_top(t, h->tid), h->frame, h->code))
		return;
	t = thread_at_entry(h, 0, &previous);
	if (!t || call_is(call_top(t, h->tid), h->frame, h->code) ||
	    push_suspended(t, h, h->frame, h->code) || h->entry->role != HTTP_ASGI)
		return;
	/* One inside of another is not kept: its request is known. */
	if (!thread_request(h->proc, h->tid, call_top(t, h->tid)))
		push_unseen(t, h);
}

#endif
