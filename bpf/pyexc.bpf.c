/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Exceptions. PyTraceBack_Here is called once for each frame in which an exception is raised or
 * through which it passes, also when that frame then handles it. So a hit only notes the exception
 * on the call (RAISE); that the exception left the call shows when its frame is gone (ft_reap).
 */
#include "call_records.bpf.h"
#include "greenlet.bpf.h"
#include "hook.bpf.h"
#include "http_request.bpf.h"
#include "raise.bpf.h"
#include "stack.bpf.h"
#include "thrown.bpf.h"

#include <bpf/bpf_tracing.h>

#define EXC_UNREADABLE 1 /* an exception that has no value yet (up to 3.11) */

/* From now on calls may have a caller that is a generator and is not pushed. */
FT_INLINE void expect_thrown(struct thread *t)
{
	if (!t->thrown || t->thrown > t->depth + 1)
		t->thrown = t->depth + 1;
}

/* An exception is seen in this frame. */
FT_INLINE void note_thrown(struct probe *p, u64 frame)
{
	struct thread *t;
	struct call *top;

	if (!(p->proc->flags & FT_PROC_SUSPENDS) ||
	    frame_owner(p->l, frame, frame_code(p->l, frame)) != OWNER_GENERATOR)
		return;
	p->frame = frame;
	stack_switch(p, false);
	t = bpf_map_lookup_elem(&ft_threads, &p->tid);
	top = t ? call_top(t, p->tid) : 0;
	if (!ft_thrown_into(p->tgid, frame, top ? top->frame : 0))
		return;
	t = thread_get(p->tgid, p->tid);
	if (t)
		expect_thrown(t);
}

#define RESUME_DELEGATES 2 /* and above: after a `yield from` or an await */

/* Does this generator's frame wait for another iterator (3.11)? */
FT_INLINE bool delegates(const struct ft_layout *l, u64 frame)
{
	u16 unit[2] = {};

	return !read_at(unit, sizeof(unit), read_ptr(frame + l->frame_instr)) &&
	       is_resume(l, unit[1]) && unit[1] >> 8 >= RESUME_DELEGATES;
}

/*
 * generator.throw(self, ...), and that of similar types. A generator that waits for an iterator
 * with a throw() of its own passes the exception on without a hook: its frame is on the stack while
 * that throw() is called.
 */
FT_HOOK("uprobe", ft_throw)
{
	struct thread *t;
	struct probe p;
	u64 frame;

	if (!probe_ours(&p, ctx) || !(p.proc->flags & FT_PROC_SUSPENDS) || !probe_running(&p) ||
	    !plausible(p.frame))
		return 0;
	stack_switch(&p, false);
	t = thread_get(p.tgid, p.tid);
	if (!t)
		return 0;
	expect_thrown(t);
	t->thrown_into = 0;
	if (p.l->generator_frame == FT_NO_FIELD)
		return 0;
	frame = PT_REGS_PARM1(ctx) + p.l->generator_frame;
	if (!delegates(p.l, frame))
		return 0;
	t->thrown_into = frame;
	t->thrown_at = read_ptr(frame + p.l->frame_instr);
	return 0;
}

FT_HOOK("uprobe", ft_traceback)
{
	u64 object = PT_REGS_PARM1(ctx), frame = object, type = 0, value, exc;
	struct call *c, *was;
	struct thread *t;
	struct probe p;
	bool ours;

	if (!probe_ours(&p, ctx))
		return 0;
	if (p.l->pyframe_frame != FT_NO_FIELD)
		frame = read_ptr(frame + p.l->pyframe_frame);
	note_thrown(&p, frame);
	if (p.l->exits_exact || !probe_running(&p))
		return 0;
	/* Otherwise C code made the traceback entry, for a frame that does not run; perhaps none
	 * does. */
	if (frame != p.frame || !probe_code(&p))
		return 0;
	stack_switch(&p, false);
	t = bpf_map_lookup_elem(&ft_threads, &p.tid);
	c = t ? call_top(t, p.tid) : 0;
	ours = call_is(c, p.frame, p.code) ||
	       (probe_known(&p) && !(c && out_below(policy_of(p.entry->policy), c) &&
				     !suspended_find(p.tgid, p.frame, p.code)));
	if (t)
		t->tstate = p.tstate;
	if (!ours && (!c || !maybe_dead(p.proc, c, p.tstate) || ft_call_is_live(p.tid, p.frame)))
		return 0;
	if (!t) {
		t = thread_get(p.tgid, p.tid);
		if (!t)
			return 0;
		t->tstate = p.tstate;
	}
	value = read_ptr(p.tstate + p.l->tstate_exc_value);
	exc = value ?: EXC_UNREADABLE;
	if (p.l->tstate_exc_type != FT_NO_FIELD)
		type = read_ptr(p.tstate + p.l->tstate_exc_type);
	traceback_of(t, p.tid, p.frame, p.code, value);
	if (build_raise(p.tid, type, value))
		return 0;
	c = call_top(t, p.tid);
	if (!call_is(c, p.frame, p.code))
		ft_reap(p.tid, p.frame, 0, exc);
	if (!ours) {
		/* Perhaps only now the former top call was found to be suspended. */
		note_thrown(&p, frame);
		return 0;
	}
	c = call_top(t, p.tid);
	if (!call_is(c, p.frame, p.code)) {
		/* gen.throw() and close() resume without a RESUME: this is the first hook that it
		 * passes. */
		was = suspended_find(p.tgid, p.frame, p.code);
		c = was ? call_new(t, p.tid) : 0;
		if (!c)
			return 0;
		*c = *was;
		c->tstate = p.tstate;
		call_opened(t, p.tid, p.frame);
	}
	send_raise(t, p.tid, c, exc, bpf_ktime_get_ns(), 0);
	c->exc = exc;
	c->object = object;
	t->below_at = 0; /* it may be dead from now on */
	http_raised(c, type);
	p.proc->raised_tid = p.tid;
	quick_raised(p.tid);
	return 0;
}

/*
 * The program is over: by sys.exit(), or by an exception that it did not handle. The calls that it
 * left last are gone from the stack, and there may be no further Python code that would show that.
 */
FT_HOOK("uprobe", ft_finalize)
{
	struct thread *t;
	struct probe p;

	if (!probe_ours(&p, ctx) || !probe_running(&p))
		return 0;
	t = bpf_map_lookup_elem(&ft_threads, &p.tid);
	if (!t || !t->depth)
		return 0;
	t->tstate = p.tstate;
	stack_switch(&p, false);
	ft_reap(p.tid, p.frame, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
