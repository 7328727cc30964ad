/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The beginning of every probe of the interpreter: which process was hit, which frame, which code.
 * It ends here, after one map lookup, if that was not asked for.
 */
#ifndef FT_PROBE_BPF_H
#define FT_PROBE_BPF_H

#include "code.bpf.h"
#include "found.bpf.h"
#include "pass.bpf.h"
#include "py_frame.bpf.h"
#include "thread.bpf.h"
#include "wake.bpf.h"

/*
 * Is this one of the hooks that user space found for the process? One file can be known by several
 * names: containers of one image have overlays of their own over it. If it was not known that these
 * are the same, it has several sets of hooks, and each call passes them all.
 */
FT_INLINE bool hook_is_its_own(const struct ft_proc *p, const struct pt_regs *ctx)
{
	u64 cookie;

	if (!ft_settings.shared)
		return true;
	cookie = bpf_get_attach_cookie((void *)ctx);
	return !cookie || FT_COOKIE_FILE(cookie) == p->hooks;
}

/* Finds the process; false: it is not traced. */
FT_INLINE bool probe_ours(struct probe *p, const struct pt_regs *ctx)
{
	u64 id = my_ids();

	p->tgid = id >> 32;
	p->tid = id;
	p->proc = bpf_map_lookup_elem(&ft_procs, &p->tgid);
	if (!p->proc || p->proc->flags & (FT_PROC_DORMANT | FT_PROC_AGENT | FT_PROC_LEFT_OUT) ||
	    !hooks_live(p->proc) || !hook_is_its_own(p->proc, ctx))
		return false;
	p->l = &p->proc->layout;
	return true;
}

/* The process at an entry: its first one makes it one of ours. */
FT_INLINE bool probe_begins(struct probe *p, struct pt_regs *ctx)
{
	u64 cookie = NO_COOKIE;

	if (probe_ours(p, ctx))
		return true;
	if (!p->proc && ft_settings.all_since_ns && ft_found(p->tgid, p->tid))
		p->proc = bpf_map_lookup_elem(&ft_procs, &p->tgid);
	if (!p->proc || !(p->proc->flags & FT_PROC_DORMANT))
		return false;
	if (ft_settings.cookies)
		cookie = bpf_get_attach_cookie(ctx);
	return ft_wake(p->tgid, cookie, instruction_pointer(ctx)) && probe_ours(p, ctx);
}

FT_INLINE bool probe_code(struct probe *p)
{
	p->code = frame_code(p->l, p->frame);
	if (!plausible(p->code)) {
		count(FT_LOST_read_frame);
		return false;
	}
	return true;
}

/* Reads the thread state and its current frame; false: not readable. */
FT_INLINE bool probe_running(struct probe *p)
{
	p->tstate = tstate_of(p->l);
	if (!p->tstate) {
		count(FT_LOST_read_thread);
		return false;
	}
	p->frame = current_frame(p->l, p->tstate);
	return true;
}

FT_INLINE bool probe_frame(struct probe *p)
{
	return probe_running(p) && probe_code(p);
}

/* Finds the frame. If a register has it the thread state is not read. */
FT_INLINE bool probe_site(struct probe *p, const struct pt_regs *ctx)
{
	p->site = site_of(p->proc, ctx);
	p->tstate = 0;
	p->frame = site_frame(p->site, ctx);
	if (p->frame)
		return true;
	if (!probe_running(p))
		return false;
	site_learn(p->site, ctx, p->frame);
	return true;
}

/* Unless quick_rejected() has found it. */
FT_INLINE bool probe_entry(struct probe *p, const struct pt_regs *ctx)
{
	return (p->frame && plausible(p->code)) || (probe_site(p, ctx) && probe_code(p));
}

/* Reads the thread state after a probe_site(), for a function that was asked for. */
FT_INLINE bool probe_thread_state(struct probe *p)
{
	if (!p->tstate)
		p->tstate = tstate_of(p->l);
	if (!p->tstate)
		count(FT_LOST_read_thread);
	return p->tstate;
}

/* Are calls below this one not pushed? Where exits are inferred, another one may be gone unseen. */
FT_INLINE bool leaves_out_all(const struct probe *p, const struct call *c)
{
	return p->l->exits_exact && out_below(policy_of(p->proc->policy), c);
}

/* The frame of the innermost open call if that is hidden (not asked for), or what it calls is left
 * out; else 0. */
FT_INLINE u64 hidden_frame(const struct probe *p, struct thread *t)
{
	struct call *top;

	if (!t->depth)
		return 0;
	if (t->hidden_at != t->depth) {
		top = call_top(t, p->tid);
		if (!top)
			return 0;
		t->hidden_at = t->depth;
		t->hidden_frame =
			top->flags & CALL_HIDDEN || leaves_out_all(p, top) ? top->frame : 0;
	}
	return p->proc->flags & (FT_PROC_JIT | FT_PROC_GREENLETS) ? 0 : t->hidden_frame;
}

/*
 * Can this frame's exit be that of an open call? During a request there always is an open call: the
 * hidden one of its server or application. If that is the innermost, all other exits except those
 * of generators are of functions that were not asked for.
 */
FT_INLINE bool exit_possible(const struct probe *p, u64 hidden, u64 frame)
{
	struct frame_key key = {.frame = frame, .tgid = p->tgid};

	if (!hidden || hidden == frame)
		return true;
	return p->proc->flags & FT_PROC_SUSPENDS && bpf_map_lookup_elem(&ft_suspended, &key);
}

/* At a place where the frame is left: it may no longer be the thread's current one. */
FT_INLINE bool probe_left(struct probe *p, const struct pt_regs *ctx)
{
	if (!p->l->exit_register)
		return probe_site(p, ctx);
	p->tstate = 0;
	p->frame = kept_register(ctx, p->l->exit_register);
	return true;
}

FT_INLINE bool probe_exit(struct probe *p, struct thread *t, const struct pt_regs *ctx)
{
	return probe_left(p, ctx) && exit_possible(p, hidden_frame(p, t), p->frame) &&
	       probe_code(p);
}

FT_INLINE bool begun_now(u64 *frame, u64 *code, const struct probe *p)
{
	bool known = *frame == p->frame && *code == p->code;

	*frame = p->frame;
	*code = p->code;
	return !known;
}

/*
 * Is this the first hook that the call passes which begins? One entry can pass two: a RESUME that
 * specializes into another one, or the other way round. A call that is pushed is known by that;
 * this is for those that are counted only. Each exit is seen in between.
 */
FT_INLINE bool begins_once(struct thread *t, const struct probe *p)
{
	struct quick *q = quick_at(p->tid);

	if (p->l->frame_instr == FT_NO_FIELD || !p->l->exits_exact || p->proc->flags & FT_PROC_JIT)
		return true;
	return q && q->tid == p->tid ? begun_now(&q->begun_frame, &q->begun_code, p)
				     : begun_now(&t->begun_frame, &t->begun_code, p);
}

/* At all other places: can the code be on the shadow stack? Its module does not matter, since the
 * call has it. */
FT_INLINE bool probe_known(struct probe *p)
{
	p->entry = code_find(p->tgid, p->code);
	return p->entry && p->entry->verdict != CODE_REJECT;
}

/*
 * At an exit, before anything of the target is read: can it be that of an open call? Not if the
 * thread has none, unless calls begin or resume without a hook.
 */
FT_INLINE struct thread *probe_thread(struct probe *p)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);

	if (t)
		t->begun_frame = 0;
	if (p->proc->flags & FT_PROC_JIT)
		return thread_get(p->tgid, p->tid);
	return t && (t->depth || t->parked || p->proc->flags & FT_PROC_SUSPENDS) ? t : 0;
}

/* After an exit that did not concern us: of which exits can that be told at once? */
FT_INLINE void probe_passed(struct probe *p)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);
	struct call *top = t ? call_top(t, p->tid) : 0;
	struct quick *q;

	if (p->proc->flags & (FT_PROC_SUSPENDS | FT_PROC_GREENLETS))
		return;
	q = quick_begin(p->tgid, p->tid, p->proc);
	if (!q)
		return;
	quick_learn_site(q->out, p->site);
	if (!t || (!t->depth && !t->parked))
		q->top = QUICK_IDLE;
	else if (q->frames && top && !maybe_dead(p->proc, top, t->tstate))
		q->top = top->frame;
}

#endif
