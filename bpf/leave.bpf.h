/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A body returns, is suspended, or is left by an exception: its call is popped off the thread's
 * shadow stack, and of one that is over EXIT is sent.
 */
#ifndef FT_LEAVE_BPF_H
#define FT_LEAVE_BPF_H

#include "call_records.bpf.h"
#include "enter.bpf.h"
#include "raise.bpf.h"

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
	if (!hit_known(h))
		return false;
	stand(h, false);
	return (h->entry->verdict != CODE_DROPPED ||
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
			ft_walk(h->tid);
		}
	}
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_EXIT, 0, h->tgid, h->tid, now);
	r->code = code_id(c);
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
	if (c->flags & CALL_WSGI && c->flags & CALL_REQUEST) {
		t->http.body = obj;
		t->http.body_type = type_of(h->l, obj);
		t->http.body_number = c->request;
	}
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
	if (!(c->flags & CALL_HIDDEN)) {
		traceback_of(t, h->tid, 0, 0, exc);
		if (!build_raise(h->tid, exc_type, exc))
			send_raise(t, h->tid, c, exc, now, 0);
	}
	send_unwound(t, h->tid, c, now);
	http_raised(c, exc_type ?: type_of(h->l, exc));
	t->http.raised = exc;
	over(h, c, 1);
}

#endif
