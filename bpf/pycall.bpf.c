/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Calls: a body starts, goes on after a suspension, is suspended, returns.
 *
 *     ft_resume        RESUME handlers (3.11+)             start or go on
 *     ft_return        RETURN_VALUE handler (3.11)         return
 *     ft_yield         YIELD_VALUE handler (3.11+)         suspension
 *     ft_frame_clear   _PyEval_FrameClearAndPop (3.12+)    return or exception
 *     ft_eval_entry    _PyEval_EvalFrameDefault (to 3.10)  start or go on
 *     ft_frame_entry   USDT function__entry (to 3.10)      start or go on
 *     ft_frame_exit    USDT function__return (to 3.10)     return, suspension or exception
 */
#define FT_MAPS_OWNER
#include "http.bpf.h"

#include <bpf/bpf_tracing.h>

#define CO_NO_MONITORING_EVENTS 0x2000000
#define NO_EXCEPTION 0

/* ---- where a body stands (3.11 on) ------------------------------------------------------ */

FT_INLINE bool is_resume(const struct ft_layout *l, u16 unit)
{
	u8 op = unit;

	return op && (op == l->op_resume[0] || op == l->op_resume[1] || op == l->op_resume[2] ||
		      op == l->op_resume[3]);
}

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

/* ---- entries ----------------------------------------------------------------------------- */

/* Until it has been told: the ring may be full. */
FT_INLINE void name_thread(struct thread *t, struct hit *h)
{
	if (h->tid == h->tgid || !ft_thread_name(h->tid, h->frame)) {
		t->named = 1;
		return;
	}
	walk(h->tid);
	t->named = !ft_thread_send(h->tid);
}

FT_INLINE u64 previous_of(const struct hit *h)
{
	return read_ptr(h->frame + h->l->frame_previous);
}

/* The thread, with its stale calls closed as seen from the frame below this one. */
FT_INLINE struct thread *thread_at_entry(struct hit *h, u64 fresh)
{
	struct thread *t = thread_get(h->tgid, h->tid);
	struct call *top;
	u64 previous;

	if (!t)
		return 0;
	if (!t->named)
		name_thread(t, h);
	t->tstate = h->tstate;
	top = call_top(t, h->tid);
	if (!top || (top->frame != fresh && !may_be_over(h->proc, top, h->tstate)))
		return t;
	previous = previous_of(h);
	if (top->frame != previous || top->code != frame_code(h->l, previous))
		ft_settle(h->tid, previous, fresh, NO_EXCEPTION);
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
 * and it continues behind its `yield from` without a RESUME (3.11 genobject.c, _gen_throw).
 */
FT_INLINE void resume_caller(struct thread *t, struct hit *h, struct call *top)
{
	u64 previous = previous_of(h);
	u8 owner = 0;

	if (h->l->frame_owner == FT_NONE || (top && top->frame == previous) ||
	    read_at(&owner, 1, previous + h->l->frame_owner) || owner != OWNER_GENERATOR)
		return;
	push_suspended(t, h, previous, frame_code(h->l, previous));
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
		walk(h->tid);
}

FT_INLINE void start(struct hit *h)
{
	struct thread *t = thread_at_entry(h, h->frame);
	struct ft_rec_enter *r;
	u64 now, request = 0;
	struct call *top, *c;
	u32 flags = 0;

	if (!t)
		return;
	now = bpf_ktime_get_ns();
	top = call_top(t, h->tid);
	/* One entry can pass two handlers: a RESUME that turns into another one. */
	if (h->l->exits_exact && call_is(top, h->frame, h->code))
		return;
	if (h->proc->flags & FT_PROC_SUSPENDS) {
		resume_caller(t, h, top);
		top = call_top(t, h->tid);
	}
	if (h->entry->role) {
		flags = http_start(h->tid, h->frame, h->code, previous_of(h));
		if (!flags && h->entry->verdict != CODE_ACCEPT)
			return;
		request = t->http.number;
		now = bpf_ktime_get_ns();
		top = call_top(t, h->tid);
	} else {
		request = thread_request(h->proc, h->tid, top);
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
	c->tstate = h->tstate;
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
	r->code = h->code;
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
	c->exc = 0;
	c->tstate = h->tstate;
	c->request = HTTP_UNSEEN;
}

FT_INLINE void go_on(struct hit *h)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &h->tid);

	/* Still there: its suspension was not seen, or two handlers were passed. */
	if (t && call_is(call_top(t, h->tid), h->frame, h->code))
		return;
	t = thread_at_entry(h, 0);
	if (!t || call_is(call_top(t, h->tid), h->frame, h->code) ||
	    push_suspended(t, h, h->frame, h->code) || h->entry->role != HTTP_ASGI)
		return;
	/* One inside of another is not kept: its request is known. */
	if (!thread_request(h->proc, h->tid, call_top(t, h->tid)))
		push_unseen(t, h);
}

/* ---- exits ---------------------------------------------------------------------------------- */

/* It was running when the trace began, or its entry passed no hook. */
FT_INLINE void unmatched(struct thread *t, struct hit *h)
{
	if (!(h->proc->flags & FT_PROC_JIT)) {
		count(FT_LOST_unmatched);
		return;
	}
	count(FT_LOST_jit);
	thread_lost(t, bpf_ktime_get_ns(), 2, FT_LOST_jit);
}

/*
 * Takes the call of this frame off the shadow stack, where it stays readable until the next one is
 * pushed; or, when it went on unseen, finds it among the suspended ones. NULL: it was running when
 * the trace began.
 */
FT_INLINE struct call *pop(struct thread *t, struct hit *h)
{
	struct call *c = call_top(t, h->tid);

	t->tstate = h->tstate;
	if (!call_is(c, h->frame, h->code)) {
		ft_settle(h->tid, h->frame, 0, NO_EXCEPTION);
		c = call_top(t, h->tid);
	}
	if (call_is(c, h->frame, h->code)) {
		t->depth--;
		return c;
	}
	c = suspended_find(h->tgid, h->frame, h->code);
	/* A generator that is thrown into before it starts, in the place of one that was dropped.
	 */
	if (c && h->l->exits_exact && at_start(h->l, h->frame, false) > 0) {
		suspended_drop(h->tgid, h->frame);
		return 0;
	}
	if (!c && h->entry->verdict == CODE_ACCEPT)
		unmatched(t, h);
	return c;
}

/* All is said of a call that was popped. */
FT_INLINE void over(struct hit *h, struct call *c, u32 failed)
{
	http_leave(h->tid, c, failed);
	if (c->flags & CALL_STORED)
		suspended_drop(h->tgid, h->frame);
}

/* At an exit: may it be that of a call that is open? */
FT_INLINE bool may_leave(struct thread *t, struct hit *h)
{
	return hit_known(h) &&
	       (h->entry->verdict != CODE_DROPPED ||
		call_is(call_top(t, h->tid), h->frame, h->code)) &&
	       hit_thread_state(h);
}

FT_INLINE bool is_return_const(const struct ft_layout *l, u8 op)
{
	return op && (op == l->op_return_const[0] || op == l->op_return_const[1]);
}

/*
 * The opcode that an INSTRUMENTED_LINE at code unit i replaced: in a table of pairs {opcode,
 * line}, or, in later micro releases of 3.13, of entries as long as the byte before them
 * says: 2 to 5. No table of pairs begins so: there stands 0, or 255 before the RESUME.
 */
FT_INLINE void read_line_opcode(u64 lines, u64 i, u8 *op)
{
	u8 entry = 0;

	read_at(&entry, 1, lines);
	if (entry >= 2 && entry <= 5)
		lines += 1 + entry * i;
	else
		lines += 2 * i;
	read_at(op, 1, lines);
}

/*
 * The opcode of one code unit, also where a debugger or a monitoring tool of the target's own
 * put another over it (Python/instrumentation.c).
 */
FT_INLINE u8 real_op(const struct ft_layout *l, u64 code, u64 unit, u8 op)
{
	u64 monitoring, i = (unit - code - l->code_bytecode) / 2;

	if (!op || (op != l->op_line && op != l->op_instruction))
		return op;
	monitoring = read_ptr(code + l->code_monitoring);
	if (op == l->op_line)
		read_line_opcode(read_ptr(monitoring + l->monitoring_lines), i, &op);
	if (op == l->op_instruction)
		read_at(&op, 1, read_ptr(monitoring + l->monitoring_instructions) + i);
	return op;
}

/* The constant that a RETURN_CONST at the frame's instruction returns; 0: it is another one. */
FT_GLOBAL u64 ft_returned_const(u64 frame, u64 code)
{
	const struct ft_layout *l = my_layout();
	u16 unit[2] = {}; /* the instruction before, and the one that returns: opcode, oparg */
	u64 instr;
	u32 arg;

	if (!l)
		return 0;
	instr = read_ptr(frame + l->frame_instr);
	if (read_at(unit, sizeof(unit), instr - 2) ||
	    !is_return_const(l, real_op(l, code, instr, unit[1])))
		return 0;
	arg = unit[1] >> 8;
	if (real_op(l, code, instr - 2, unit[0]) == l->op_extended_arg)
		arg |= unit[0] & 0xff00;
	return read_ptr(read_ptr(code + l->code_consts) + l->tuple_items + 8 * (u64)arg);
}

/* What the body returns: the value on its operand stack, or a constant of its code. */
FT_INLINE u64 result_of(struct hit *h)
{
	u64 constant = 0;

	if (h->l->op_return_const[0])
		constant = ft_returned_const(h->frame, h->code);
	return constant
		       ?: read_ref(h->l, h->frame + h->l->frame_localsplus +
						 8 * (u64)h->entry->return_slot);
}

FT_INLINE void send_exit(struct thread *t, struct hit *h, const struct call *c, u64 obj, u64 now)
{
	struct ft_rec_exit *r;

	if (c->flags & CALL_LOST) {
		thread_lost(t, now, 1, FT_LOST_ring_full);
		return;
	}
	walk_begin(t);
	if (ft_settings.capture & FT_CAPTURE_RESULT) {
		if (!put_plain(h->l, t, h->tid, obj)) {
			t->roots[0] = obj;
			walk_push(t, LEVEL_ROOTS, 0, 1);
			walk(h->tid);
		}
	}
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_EXIT, 0, h->tgid, h->tid, now);
	r->code = c->code;
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->how = FT_EXIT_RETURN;
	send_tokens(t, h->tid, now, sizeof(*r), 1);
}

FT_INLINE void leave(struct thread *t, struct hit *h)
{
	u64 obj = result_of(h);
	u64 now = bpf_ktime_get_ns();
	struct call *c = pop(t, h);

	if (!c)
		return;
	if (!(c->flags & CALL_HIDDEN))
		send_exit(t, h, c, obj, now);
	over(h, c, 0);
}

FT_INLINE void suspend(struct thread *t, struct hit *h)
{
	struct call *c = pop(t, h);

	if (c)
		suspended_keep(t, h->proc, c);
}

FT_INLINE void unwind(struct thread *t, struct hit *h, u64 exc_type)
{
	u64 exc = read_ptr(h->tstate + h->l->tstate_exc_value);
	u64 now = bpf_ktime_get_ns();
	struct call *c = pop(t, h);

	if (!c)
		return;
	if (!(c->flags & CALL_HIDDEN) && !build_raise(h->tid, exc_type, exc))
		send_raise(t, h->tid, c, exc, now);
	send_unwound(t, h->tid, c, now);
	http_raised(c, exc_type ?: read_ptr(exc + 8));
	over(h, c, 1);
}

/* ---- handlers of the dispatch table (3.11 on) -------------------------------------- */

SEC("uprobe")
int ft_resume(struct pt_regs *ctx)
{
	struct hit h;
	int first;

	if (!hit_ours(&h) || !hit_entry(&h, ctx) || !hit_wanted(&h) ||
	    http_on_the_way(h.tid, h.frame, h.code, h.entry) || !hit_thread_state(&h))
		return 0;
	/* What cannot be suspended passes a RESUME at its start alone. */
	first = h.entry->flags & CO_SUSPENDS ? at_start(h.l, h.frame, true) : 1;
	if (first > 0)
		start(&h);
	else if (!first)
		go_on(&h);
	else
		count(FT_LOST_read_frame);
	return 0;
}

SEC("uprobe")
int ft_return(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;

	if (hit_ours(&h) && (t = hit_thread(&h)) && hit_exit(&h, t, ctx) && may_leave(t, &h))
		leave(t, &h);
	return 0;
}

/*
 * Where a JIT runs, an exit may be the first that is seen of a function. Not of the helper
 * frame under __init__ (specialize.c, _Py_InitCleanup), which is nobody's call.
 */
FT_INLINE bool wanted_at_exit(struct hit *h)
{
	u32 flags = 0;

	return !read_at(&flags, 4, h->code + h->l->code_flags) &&
	       !(flags & CO_NO_MONITORING_EVENTS) && hit_wanted(h);
}

/* _PyEval_FrameClearAndPop(tstate, frame): every exit, by exception or not (3.12 on). */
SEC("uprobe")
int ft_frame_clear(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;

	if (!hit_ours(&h) || !(t = hit_thread(&h)))
		return 0;
	h.tstate = PT_REGS_PARM1(ctx);
	h.frame = PT_REGS_PARM2(ctx);
	if (!may_end(&h, hidden_frame(&h, t), h.frame))
		return 0;
	h.code = frame_code(h.l, h.frame);
	if (!(h.proc->flags & FT_PROC_JIT && wanted_at_exit(&h)) && !may_leave(t, &h))
		return 0;
	if (read_ptr(h.tstate + h.l->tstate_exc_value))
		unwind(t, &h, 0);
	else
		leave(t, &h);
	return 0;
}

SEC("uprobe")
int ft_yield(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;

	if (hit_ours(&h) && (t = hit_thread(&h)) && hit_exit(&h, t, ctx) && may_leave(t, &h))
		suspend(t, &h);
	return 0;
}

/* ---- the eval function (to 3.10) ------------------------------------------------------ */

SEC("uprobe")
int ft_eval_entry(struct pt_regs *ctx)
{
	u64 arg[3] = {PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx)};
	s32 lasti = 0;
	struct hit h;
	u32 thrown;

	/* Read before one is chosen: the context has no variable offsets. */
	barrier_var(arg[0]);
	barrier_var(arg[1]);
	barrier_var(arg[2]);
	if (!hit_ours(&h))
		return 0;
	/* The frame is not the thread's current one yet. */
	h.frame = h.l->entry_frame_arg == 1 ? arg[0] : arg[1];
	thrown = h.l->entry_frame_arg == 1 ? arg[1] : arg[2];
	h.tstate = 0; /* not needed at an entry */
	h.code = frame_code(h.l, h.frame);
	if (!plausible(h.code) || read_at(&lasti, 4, h.frame + h.l->frame_lasti)) {
		count(FT_LOST_read_frame);
		return 0;
	}
	if (!hit_wanted(&h))
		return 0;
	if (lasti >= 0)
		go_on(&h);
	else if (!thrown) /* thrown into before it started: no code of it runs */
		start(&h);
	return 0;
}

/* ---- USDT probes (to 3.10) --------------------------------------------------------- */

SEC("uprobe")
int ft_frame_entry(struct pt_regs *ctx)
{
	struct hit h;
	s32 lasti = 0;

	if (!hit_ours(&h) || !hit_entry(&h, ctx) || !hit_wanted(&h) || !hit_thread_state(&h))
		return 0;
	if (read_at(&lasti, 4, h.frame + h.l->frame_lasti)) {
		count(FT_LOST_read_frame);
		return 0;
	}
	if (lasti >= 0)
		go_on(&h);
	/* An exception thrown into a generator that never started: no code of it runs. */
	else if (!read_ptr(h.tstate + h.l->tstate_exc_type))
		start(&h);
	return 0;
}

SEC("uprobe")
int ft_frame_exit(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;
	u64 exc_type;

	if (!hit_ours(&h) || !(t = hit_thread(&h)) || !hit_exit(&h, t, ctx) || !may_leave(t, &h))
		return 0;
	exc_type = read_ptr(h.tstate + h.l->tstate_exc_type);
	if (exc_type)
		unwind(t, &h, exc_type);
	else if (h.entry->flags & CO_SUSPENDS && is_suspended(h.l, h.frame))
		suspend(t, &h);
	else
		leave(t, &h);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
