/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Exceptions. PyTraceBack_Here is called once for each frame that an exception is raised in
 * or passes through, also when that frame then handles it. So a hit only notes the exception
 * on the call (RAISE); that a call was left by it shows when its frame is gone (ft_settle).
 */
#include "call_records.bpf.h"
#include "greenlet.bpf.h"
#include "http_request.bpf.h"
#include "raise.bpf.h"
#include "stack.bpf.h"
#include "thrown.bpf.h"

#include <bpf/bpf_tracing.h>

#define EXC_UNREADABLE 1 /* an exception that has no value yet (up to 3.11) */

/* From here on calls may have a generator below them that is not pushed. */
FT_INLINE void expect_thrown(struct thread *t)
{
	if (!t->thrown || t->thrown > t->depth + 1)
		t->thrown = t->depth + 1;
}

/* An exception is seen in this frame. */
FT_INLINE void note_thrown(struct hit *h, u64 frame)
{
	struct thread *t;
	struct call *top;

	if (!(h->proc->flags & FT_PROC_SUSPENDS) ||
	    frame_owner(h->l, frame, frame_code(h->l, frame)) != OWNER_GENERATOR)
		return;
	h->frame = frame;
	stand(h, false);
	t = bpf_map_lookup_elem(&ft_threads, &h->tid);
	top = t ? call_top(t, h->tid) : 0;
	if (!ft_thrown_into(h->tgid, frame, top ? top->frame : 0))
		return;
	t = thread_get(h->tgid, h->tid);
	if (t)
		expect_thrown(t);
}

#define RESUME_DELEGATES 2 /* and above: behind a `yield from` or an await */

/* Does this generator's frame wait for another iterator (3.11)? */
FT_INLINE bool delegates(const struct ft_layout *l, u64 frame)
{
	u16 unit[2] = {};

	return !read_at(unit, sizeof(unit), read_ptr(frame + l->frame_instr)) &&
	       is_resume(l, unit[1]) && unit[1] >> 8 >= RESUME_DELEGATES;
}

/*
 * generator.throw(self, ...), and of others like it. One that waits for an iterator with a throw()
 * of its own hands on what is thrown, and no hook shows that: it stands among the frames while that
 * is called.
 */
SEC("uprobe")
int ft_throw(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;
	u64 frame;

	if (!hit_ours(&h) || !(h.proc->flags & FT_PROC_SUSPENDS) || !hit_running(&h) ||
	    !plausible(h.frame))
		return 0;
	stand(&h, false);
	t = thread_get(h.tgid, h.tid);
	if (!t)
		return 0;
	expect_thrown(t);
	t->thrown_into = 0;
	if (h.l->generator_frame == FT_NONE)
		return 0;
	frame = PT_REGS_PARM1(ctx) + h.l->generator_frame;
	if (!delegates(h.l, frame))
		return 0;
	t->thrown_into = frame;
	t->thrown_at = read_ptr(frame + h.l->frame_instr);
	return 0;
}

SEC("uprobe")
int ft_traceback(struct pt_regs *ctx)
{
	u64 object = PT_REGS_PARM1(ctx), frame = object, type = 0, value, exc;
	struct call *c, *was;
	struct thread *t;
	struct hit h;
	bool ours;

	if (!hit_ours(&h))
		return 0;
	if (h.l->pyframe_frame != FT_NONE)
		frame = read_ptr(frame + h.l->pyframe_frame);
	note_thrown(&h, frame);
	if (h.l->exits_exact || !hit_running(&h))
		return 0;
	/* Else a traceback entry made by C code, for no frame that runs. Maybe none does. */
	if (frame != h.frame || !hit_code(&h))
		return 0;
	stand(&h, false);
	t = bpf_map_lookup_elem(&ft_threads, &h.tid);
	c = t ? call_top(t, h.tid) : 0;
	ours = call_is(c, h.frame, h.code) || hit_known(&h);
	if (t)
		t->tstate = h.tstate;
	if (!ours && (!c || !may_be_over(h.proc, c, h.tstate) || ft_alive(h.tid, h.frame)))
		return 0;
	if (!t) {
		t = thread_get(h.tgid, h.tid);
		if (!t)
			return 0;
		t->tstate = h.tstate;
	}
	value = read_ptr(h.tstate + h.l->tstate_exc_value);
	exc = value ?: EXC_UNREADABLE;
	if (h.l->tstate_exc_type != FT_NONE)
		type = read_ptr(h.tstate + h.l->tstate_exc_type);
	traceback_of(t, h.tid, h.frame, h.code, value);
	if (build_raise(h.tid, type, value))
		return 0;
	c = call_top(t, h.tid);
	if (!call_is(c, h.frame, h.code))
		ft_settle(h.tid, h.frame, 0, exc);
	if (!ours) {
		/* The one that was the top call may have shown only now that it waits. */
		note_thrown(&h, frame);
		return 0;
	}
	c = call_top(t, h.tid);
	if (!call_is(c, h.frame, h.code)) {
		/* gen.throw() and close() go on without a RESUME: this is the first we see. */
		was = suspended_find(h.tgid, h.frame, h.code);
		c = was ? call_new(t, h.tid) : 0;
		if (!c)
			return 0;
		*c = *was;
		c->tstate = h.tstate;
		call_opened(t);
	}
	send_raise(t, h.tid, c, exc, bpf_ktime_get_ns(), 0);
	c->exc = exc;
	c->object = object;
	http_raised(c, type);
	h.proc->raised_tid = h.tid;
	return 0;
}

/*
 * The program is over: by sys.exit(), or by an exception that nobody handled. What it left last
 * is gone from the stack, and no Python code need run any more that would show it.
 */
SEC("uprobe")
int ft_finalize(struct pt_regs *ctx)
{
	struct thread *t;
	struct hit h;

	if (!hit_ours(&h) || !hit_running(&h))
		return 0;
	t = bpf_map_lookup_elem(&ft_threads, &h.tid);
	if (!t || !t->depth)
		return 0;
	t->tstate = h.tstate;
	stand(&h, false);
	ft_settle(h.tid, h.frame, 0, 0);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
