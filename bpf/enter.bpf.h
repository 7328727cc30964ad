/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A body starts, or resumes after a suspension: its call is pushed on the thread's shadow stack,
 * and if it starts, ENTER is sent.
 */
#ifndef FT_ENTER_BPF_H
#define FT_ENTER_BPF_H

#include "http.bpf.h"
#include "left_out.bpf.h"
#include "thread_name.bpf.h"
#include "thrown.bpf.h"
#include "wanted.bpf.h"

#define NO_EXCEPTION 0

/* ---- start or resumption (3.11 on) --------------------------------------------------------- */

/*
 * Which RESUME is at the frame's instruction? 1: that at the start of the body; 0: one after a
 * suspension; -1: none. reached: the handler of a RESUME was hit, so there is one, perhaps replaced
 * by an INSTRUMENTED_INSTRUCTION.
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

/* Repeated until the name is sent: the ring may be full. */
FT_INLINE void name_thread(struct thread *t, struct probe *p)
{
	if (p->tid == p->tgid || !ft_thread_name(p->tid, p->frame)) {
		t->named = 1;
		return;
	}
	ft_walk(p->tid);
	t->named = !ft_thread_send(p->tid);
}

FT_INLINE u64 previous_of(const struct probe *p)
{
	return read_ptr(p->frame + p->l->frame_previous);
}

/* The thread, after closing its dead calls as seen from the caller's frame, which is returned in
 * *previous. */
FT_INLINE struct thread *thread_at_entry(struct probe *p, u64 fresh, u64 *previous)
{
	struct thread *t = thread_get(p->tgid, p->tid);
	struct call *top;

	if (!t)
		return 0;
	if (!t->named)
		name_thread(t, p);
	t->tstate = p->tstate;
	top = call_top(t, p->tid);
	if (!top || (top->frame != fresh && !maybe_dead(p->proc, top, p->tstate)))
		return t;
	*previous = previous_of(p);
	if (top->frame != *previous || top->code != frame_code(p->l, *previous))
		ft_reap(p->tid, *previous, fresh, NO_EXCEPTION);
	return t;
}

FT_INLINE struct call *call_push(struct thread *t, struct probe *p, u64 frame)
{
	struct call *c = call_new(t, p->tid);

	if (!c) {
		count(FT_LOST_stack_full);
		return 0;
	}
	call_opened(t, p->tid, frame);
	return c;
}

/* A generator that resumes continues its earlier call. */
FT_INLINE struct call *call_push_suspended(struct thread *t, struct probe *p, u64 frame, u64 code)
{
	struct call *was = suspended_find(p->tgid, frame, code);
	struct call *c = was ? call_push(t, p, frame) : 0;

	if (c) {
		*c = *was;
		c->tstate = p->tstate;
	}
	return c;
}

/*
 * The caller may be a generator whose resumption passed no hook: when an exception thrown into it
 * ended its sub-iterator, it continues after its `yield from` without a RESUME (3.11 genobject.c,
 * _gen_throw). While its instruction still is that `yield from`, the call comes from the
 * sub-iterator's throw() (3.11).
 */
FT_INLINE void resume_caller(struct thread *t, struct probe *p, struct call *top, u64 previous)
{
	u8 owner = 0;

	if (p->l->frame_owner == FT_NO_FIELD || (top && top->frame == previous) ||
	    read_at(&owner, 1, previous + p->l->frame_owner) || owner != OWNER_GENERATOR ||
	    at_start(p->l, previous, false) == 0)
		return;
	call_push_suspended(t, p, previous, frame_code(p->l, previous));
}

/*
 * Is this called from C, and is below that a generator whose call is not pushed? The C code is its
 * iterator's throw(), or a tool that is called when the generator is suspended or thrown into
 * (sys.setprofile(), sys.monitoring).
 */
FT_INLINE struct call *waiting_below(struct probe *p, const struct call *top, u64 frame)
{
	u8 owner = 0;

	if (p->l->frame_owner == FT_NO_FIELD)
		return 0;
	read_at(&owner, 1, frame + p->l->frame_owner);
	if (owner >= OWNER_SHIM) {
		frame = read_ptr(frame + p->l->frame_previous);
		if (!plausible(frame) || (top && top->frame == frame) ||
		    read_at(&owner, 1, frame + p->l->frame_owner))
			return 0;
	}
	return owner == OWNER_GENERATOR ? suspended_find(p->tgid, frame, frame_code(p->l, frame))
					: 0;
}

/* May the caller be a call that is not pushed? Up to 3.10 only while an exception is thrown into a
 * generator. */
FT_INLINE bool may_be_unpushed(const struct thread *t, const struct probe *p)
{
	return p->l->frame_owner != FT_NO_FIELD || t->thrown;
}

/* The caller at an entry: the innermost open call, or a generator that is not pushed. */
FT_INLINE struct call *call_below(struct thread *t, struct probe *p, u64 previous)
{
	struct call *top = call_top(t, p->tid), *waiting;
	u64 frame;

	if (!previous || (top && top->frame == previous))
		return top;
	waiting = waiting_below(p, top, previous);
	if (waiting || !t->thrown)
		return waiting ?: top;
	frame = ft_thrown_below(p->tid, previous);
	if (frame == WALK_MET)
		return 0;
	return (frame ? suspended_find(p->tgid, frame, frame_code(p->l, frame)) : 0) ?: top;
}

#define PLAIN_PARAMS 4

/* Writes the first parameters while they are plain values: all that most calls have. */
FT_INLINE void plain_params(struct thread *t, struct probe *p, struct level *lv)
{
	u64 special = p->entry->cell_mask | p->entry->redact_mask, ref[PLAIN_PARAMS];
	u32 i;

	/* One read for all; if there are fewer, other slots of the frame follow them. */
	if (read_at(ref, sizeof(ref), lv->base))
		return;
	for (i = 0; i < PLAIN_PARAMS; i++) {
		if (i >= lv->n || special >> i & 1 ||
		    !put_plain(p->l, t, p->tid, ref[i] & ~p->l->tag_mask))
			break;
		lv->idx = i + 1;
	}
}

/* Writes the tokens of ENTER: the request, if any, and the arguments. */
FT_INLINE void put_args(struct thread *t, struct probe *p, u64 request)
{
	const struct ft_policy *policy = policy_of(p->entry->policy);
	struct level *lv;

	walk_begin(t, policy);
	if (request)
		tok_word(t, request);
	if (!(policy->capture & FT_CAPTURE_ARGS) || !p->entry->nparams)
		return;
	t->walk.cell_mask = p->entry->cell_mask;
	t->walk.redact_mask = p->entry->redact_mask;
	if (p->entry->cell_mask) {
		t->walk.cells = p->frame + p->l->frame_localsplus + 8 * (u64)p->entry->cells_slot;
		__builtin_memcpy(t->walk.arg_cell, p->entry->arg_cell, FT_CELLS);
	}
	lv = walk_push(t, LEVEL_PARAMS, p->frame + p->l->frame_localsplus, p->entry->nparams);
	plain_params(t, p, lv);
	if (lv->idx < lv->n)
		ft_walk(p->tid);
}

FT_INLINE void call_start(struct probe *p)
{
	u64 previous = 0, now, request = 0;
	struct thread *t = thread_at_entry(p, p->frame, &previous);
	struct ft_rec_enter *r;
	struct call *top, *c;
	u32 flags = 0, choice = 0;
	enum ft_left_out out = FT_LEFT_OUT_NONE;
	bool suspends;

	if (!t)
		return;
	now = bpf_ktime_get_ns();
	top = call_top(t, p->tid);
	/* One entry can pass two handlers: a RESUME that specializes into another one. */
	if (p->l->exits_exact && call_is(top, p->frame, p->code))
		return;
	suspends = p->proc->flags & FT_PROC_SUSPENDS && may_be_unpushed(t, p);
	if (!previous && (suspends || p->entry->role))
		previous = previous_of(p);
	if (suspends) {
		resume_caller(t, p, top, previous);
		top = call_below(t, p, previous);
	}
	if (p->entry->role) {
		flags = http_start(p->tid, p->frame, p->code, previous);
		if (!flags && p->entry->verdict != CODE_ACCEPT)
			return;
		request = t->http.number;
		now = bpf_ktime_get_ns();
		top = call_below(t, p, previous);
	} else {
		request = thread_request(p->proc, p->tid, top);
		if (!request && !top && t->http.body)
			request = ft_http_body(p->tid, p->frame, p->code);
	}
	if (may_leave_out(policy_of(p->entry->policy))) {
		settle(p, top);
		choice = choose(p, top, request);
		out = rule_of(p, top, choice, now);
		if (begins_once(t, p) && out && p->entry->verdict == CODE_ACCEPT)
			left_out(out);
		if (out && needs_no_mark(p, top, request, flags))
			return;
	}
	c = call_push(t, p, p->frame);
	if (!c) {
		thread_lost(t, now, 2, FT_LOST_stack_full);
		return;
	}
	c->frame = p->frame;
	c->code = p->code;
	c->start_ns = now;
	c->start_tid = p->tid;
	c->flags = flags | choice | (p->entry->flags & CO_SUSPENDS ? CALL_GENERATOR : 0);
	c->request = request;
	c->level = level_below(top);
	/* A suspended call with the same frame address is over: its generator was freed without any
	 * event. */
	if (c->flags & ~CALL_CHOICE && p->l->exits_exact && p->proc->flags & FT_PROC_SUSPENDS)
		suspended_drop(p->tgid, p->frame);
	c->exc = 0;
	c->object = 0;
	c->tstate = p->tstate;
	c->variant = p->entry->variant;
	if (p->entry->verdict != CODE_ACCEPT || out) {
		c->flags |= CALL_HIDDEN;
		borrow_span(c, top);
		return;
	}
	if (request == HTTP_UNTRACED)
		request = 0;
	put_args(t, p, request);
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_ENTER, 0, p->tgid, p->tid, now);
	r->hdr.flags = request ? FT_ENTER_REQUEST : 0;
	r->code = code_id(c);
	r->parent_ns = top ? top->start_ns : 0;
	r->parent_tid = top ? top->start_tid : 0;
	r->pad = 0;
	if (send_tokens(t, p->tid, now, sizeof(*r), 1)) {
		c->flags |= CALL_LOST;
		borrow_span(c, top);
	}
}

/* Pushes an application that was called before the trace, or not for an HTTP request. */
FT_INLINE void call_push_untraced(struct thread *t, struct probe *p)
{
	struct call *below = call_top(t, p->tid), *c = call_push(t, p, p->frame);

	if (!c)
		return;
	c->frame = p->frame;
	c->code = p->code;
	borrow_span(c, below);
	c->flags = CALL_HIDDEN | CALL_GENERATOR | CALL_UNTRACED;
	c->variant = 0;
	c->exc = 0;
	c->object = 0;
	c->tstate = p->tstate;
	c->level = level_below(below);
	c->request = HTTP_UNTRACED;
}

FT_INLINE void call_resume(struct probe *p)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);
	u64 previous = 0;

	/* It is still pushed: its suspension was not seen, or two handlers were passed. */
	if (t && call_is(call_top(t, p->tid), p->frame, p->code))
		return;
	t = thread_at_entry(p, 0, &previous);
	if (!t || call_is(call_top(t, p->tid), p->frame, p->code) ||
	    call_push_suspended(t, p, p->frame, p->code) || p->entry->role != HTTP_ASGI)
		return;
	/* One inside of another is not pushed: its request is known. */
	if (!thread_request(p->proc, p->tid, call_top(t, p->tid)))
		call_push_untraced(t, p);
}

/* Does the body of this frame begin, as at its first hook? */
FT_INLINE bool begins_here(const struct probe *p)
{
	if (!(p->entry->flags & CO_SUSPENDS))
		return true;
	return p->l->frame_instr != FT_NO_FIELD ? at_start(p->l, p->frame, true) > 0
						: !has_begun(p->l, p->frame);
}

/*
 * A generator of a function that user space has rejected meanwhile resumes, or another one at the
 * same address begins. What is known of it would be taken for the caller of what it calls.
 */
FT_INLINE void forget_rejected(const struct probe *p)
{
	const struct code_entry *e = p->entry;

	if (e && e->verdict == CODE_DROPPED && e->flags & CO_SUSPENDS &&
	    p->proc->flags & FT_PROC_SUSPENDS)
		suspended_drop(p->tgid, p->frame);
}

FT_INLINE void left_out_by_name(const struct probe *p)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);

	if (!t || begins_once(t, p))
		left_out(p->entry->left_out);
}

/* At an entry: is it to be looked at further? What an option leaves out is counted. */
FT_INLINE bool probe_asked_for(struct probe *p)
{
	bool wanted = probe_wanted(p);

	if (p->entry && p->entry->left_out && begins_here(p))
		left_out_by_name(p);
	if (!wanted)
		forget_rejected(p);
	return wanted && !below_left_out(p);
}

#endif
