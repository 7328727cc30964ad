/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A body returns, is suspended, or is left by an exception: its call is popped from the thread's
 * shadow stack, and if it is over, EXIT is sent.
 */
#ifndef FT_LEAVE_BPF_H
#define FT_LEAVE_BPF_H

#include "call_records.bpf.h"
#include "enter.bpf.h"
#include "raise.bpf.h"

/* Counts an exit without a call: it was running when the trace began, or its entry passed no
 * hook. */
FT_INLINE void unmatched(struct thread *t, struct probe *p)
{
	if (!(p->proc->flags & FT_PROC_JIT)) {
		count(FT_LOST_unmatched);
		return;
	}
	count(FT_LOST_jit);
	thread_lost(t, bpf_ktime_get_ns(), 2, FT_LOST_jit);
}

/* It was left out, and so not pushed. */
FT_INLINE bool below_one_left_out(struct thread *t, struct probe *p)
{
	struct call *top = call_top(t, p->tid);

	return top && out_below(policy_of(p->entry->policy), top);
}

/*
 * Pops the call of this frame from the shadow stack, where it stays readable until the next push.
 * If it resumed without a hook, finds it among the suspended ones. NULL: it was running when the
 * trace began.
 */
FT_INLINE struct call *call_pop(struct thread *t, struct probe *p)
{
	struct call *c = call_top(t, p->tid);

	t->tstate = p->tstate;
	if (!call_is(c, p->frame, p->code)) {
		ft_reap(p->tid, p->frame, 0, NO_EXCEPTION);
		c = call_top(t, p->tid);
	}
	if (call_is(c, p->frame, p->code)) {
		call_closed(t, p->tid);
		return c;
	}
	c = suspended_find(p->tgid, p->frame, p->code);
	/* An exception is thrown into a generator that has not started, at the address of one that
	 * was freed. */
	if (c && p->l->exits_exact && at_start(p->l, p->frame, false) > 0) {
		suspended_drop(p->tgid, p->frame);
		return 0;
	}
	if (!c && p->entry->verdict == CODE_ACCEPT && !below_one_left_out(t, p))
		unmatched(t, p);
	return c;
}

/* Called when everything is sent of a popped call that is over. */
FT_INLINE void call_finish(struct probe *p, struct call *c, u32 failed)
{
	http_finish(p->tid, c, failed);
	if (c->flags & CALL_STORED)
		suspended_drop(p->tgid, p->frame);
}

/* At an exit: may it belong to an open call? */
FT_INLINE bool pops_call(struct thread *t, struct probe *p)
{
	if (!probe_known(p))
		return false;
	stack_switch(p, false);
	return (p->entry->verdict != CODE_DROPPED ||
		call_is(call_top(t, p->tid), p->frame, p->code)) &&
	       probe_thread_state(p);
}

FT_INLINE bool is_return_const(const struct ft_layout *l, u8 op)
{
	return op && (op == l->op_return_const[0] || op == l->op_return_const[1]);
}

/*
 * The opcode that an INSTRUMENTED_LINE at code unit i replaced. The table has pairs {opcode, line};
 * in later micro releases of 3.13 it begins with a byte that has the length of its entries, 2 to 5.
 * A table of pairs does not begin with these: its first byte is 0, or 255 before the RESUME.
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
 * The opcode of one code unit, even if a debugger or monitoring tool in the target replaced it
 * (Python/instrumentation.c).
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

/* The constant that a RETURN_CONST at the frame's instruction returns; 0: it is another
 * instruction. */
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

/* The value that the body returns: from its operand stack, or a constant of its code. */
FT_INLINE u64 result_of(struct probe *p)
{
	u64 constant = 0;

	if (p->l->op_return_const[0])
		constant = ft_returned_const(p->frame, p->code);
	return constant
		       ?: read_ref(p->l, p->frame + p->l->frame_localsplus +
						 8 * (u64)p->entry->return_slot);
}

/* Appends what a call returned, if that was asked for. */
FT_INLINE void put_result(struct thread *t, struct probe *p)
{
	const struct ft_policy *policy = policy_of(p->entry->policy);
	u64 obj;

	walk_begin(t, policy);
	if (!(policy->capture & FT_CAPTURE_RESULT))
		return;
	obj = result_of(p);
	if (put_plain(p->l, t, p->tid, obj))
		return;
	t->roots[0] = obj;
	walk_push(t, LEVEL_ROOTS, 0, 1);
	ft_walk(p->tid);
}

FT_INLINE void send_exit(struct thread *t, struct probe *p, const struct call *c, u64 now)
{
	struct ft_rec_exit *r;

	if (c->flags & CALL_LOST) {
		thread_lost(t, now, 1, FT_LOST_ring_full);
		return;
	}
	put_result(t, p);
	r = head_of(t, sizeof(*r));
	head_init(&r->hdr, FT_REC_EXIT, 0, p->tgid, p->tid, now);
	r->code = code_id(c);
	r->start_ns = c->start_ns;
	r->start_tid = c->start_tid;
	r->how = FT_EXIT_RETURN;
	send_tokens(t, p->tid, now, sizeof(*r), 1);
}

FT_INLINE void call_return(struct thread *t, struct probe *p)
{
	u64 now = bpf_ktime_get_ns();
	struct call *c = call_pop(t, p);

	if (!c)
		return;
	if (!(c->flags & CALL_HIDDEN))
		send_exit(t, p, c, now);
	if (c->flags & CALL_WSGI && c->flags & CALL_REQUEST) {
		t->http.body = result_of(p);
		t->http.body_type = type_of(p->l, t->http.body);
		t->http.body_number = c->request;
	}
	call_finish(p, c, 0);
}

FT_INLINE void call_suspend(struct thread *t, struct probe *p)
{
	struct call *c = call_pop(t, p);

	if (c)
		suspended_keep(t, p->proc, c);
}

FT_INLINE void call_unwind(struct thread *t, struct probe *p, u64 exc_type)
{
	u64 exc = read_ptr(p->tstate + p->l->tstate_exc_value);
	u64 now = bpf_ktime_get_ns();
	struct call *c = call_pop(t, p);

	if (!c)
		return;
	if (!(c->flags & CALL_HIDDEN)) {
		traceback_of(t, p->tid, 0, 0, exc);
		if (!build_raise(p->tid, exc_type, exc))
			send_raise(t, p->tid, c, exc, now, 0);
	}
	send_unwound(t, p->tid, c, now);
	http_raised(c, exc_type ?: type_of(p->l, exc));
	t->http.raised = exc;
	call_finish(p, c, 1);
}

#endif
