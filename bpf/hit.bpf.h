/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What every probe of the interpreter begins with: whose hit is this, which frame, which
 * code. Ends here, after one map lookup, for what was not asked for.
 */
#ifndef FT_HIT_BPF_H
#define FT_HIT_BPF_H

#include "code.bpf.h"
#include "py_frame.bpf.h"
#include "site.bpf.h"
#include "thread.bpf.h"

struct hit {
	struct ft_proc *proc;
	const struct ft_layout *l;
	u32 tgid, tid;
	u64 tstate; /* 0: not looked for yet, see hit_thread_state() */
	u64 frame, code;
	struct code_entry *entry;
};

/* The process; false: not ours. */
FT_INLINE bool hit_ours(struct hit *h)
{
	u64 id = my_ids();

	h->tgid = id >> 32;
	h->tid = id;
	h->proc = bpf_map_lookup_elem(&ft_procs, &h->tgid);
	if (!h->proc)
		return false;
	if (h->proc->flags & FT_PROC_DORMANT) {
		h->proc->flags |= FT_PROC_UNSEEN;
		return false;
	}
	if (h->proc->flags & FT_PROC_AGENT || !hooks_live(h->proc))
		return false;
	h->l = &h->proc->layout;
	return true;
}

FT_INLINE bool hit_code(struct hit *h)
{
	h->code = frame_code(h->l, h->frame);
	if (!plausible(h->code)) {
		count(FT_LOST_read_frame);
		return false;
	}
	return true;
}

/* The thread state and the frame that it runs; false: not readable. */
FT_INLINE bool hit_running(struct hit *h)
{
	h->tstate = tstate_of(h->l);
	if (!h->tstate) {
		count(FT_LOST_read_thread);
		return false;
	}
	h->frame = current_frame(h->l, h->tstate);
	return true;
}

FT_INLINE bool hit_frame(struct hit *h)
{
	return hit_running(h) && hit_code(h);
}

/* The frame; where a register has it the thread state is not looked for. */
FT_INLINE bool hit_site(struct hit *h, const struct pt_regs *ctx)
{
	struct ft_site *s = site_of(h->proc, ctx);

	h->tstate = 0;
	h->frame = site_frame(s, ctx);
	if (h->frame)
		return true;
	if (!hit_running(h))
		return false;
	site_learn(s, ctx, h->frame);
	return true;
}

FT_INLINE bool hit_entry(struct hit *h, const struct pt_regs *ctx)
{
	return hit_site(h, ctx) && hit_code(h);
}

/* The thread state behind a hit_site(), of a function that was asked for. */
FT_INLINE bool hit_thread_state(struct hit *h)
{
	if (!h->tstate)
		h->tstate = tstate_of(h->l);
	if (!h->tstate)
		count(FT_LOST_read_thread);
	return h->tstate;
}

/* The frame of the innermost call that is open, if nobody asked for it; else 0. */
FT_INLINE u64 hidden_frame(const struct hit *h, struct thread *t)
{
	struct call *top;

	if (!t->depth)
		return 0;
	if (t->hidden_at != t->depth) {
		top = call_top(t, h->tid);
		if (!top)
			return 0;
		t->hidden_at = t->depth;
		t->hidden_frame = top->flags & CALL_HIDDEN ? top->frame : 0;
	}
	return h->proc->flags & (FT_PROC_JIT | FT_PROC_GREENLETS) ? 0 : t->hidden_frame;
}

/*
 * Can the exit of this frame be that of a call that is open? While a request is under way there
 * always is one: the hidden call of its server or application. Where that is the innermost, all
 * other exits but those of generators are of functions that nobody asked for.
 */
FT_INLINE bool may_end(const struct hit *h, u64 hidden, u64 frame)
{
	struct frame_key key = {.frame = frame, .tgid = h->tgid};

	if (!hidden || hidden == frame)
		return true;
	return h->proc->flags & FT_PROC_SUSPENDS && bpf_map_lookup_elem(&ft_suspended, &key);
}

/* Where the frame is left: it may no longer be the thread's. */
FT_INLINE bool hit_left(struct hit *h, const struct pt_regs *ctx)
{
	if (!h->l->exit_register)
		return hit_site(h, ctx);
	h->tstate = 0;
	h->frame = kept_register(ctx, h->l->exit_register);
	return true;
}

FT_INLINE bool hit_exit(struct hit *h, struct thread *t, const struct pt_regs *ctx)
{
	return hit_left(h, ctx) && may_end(h, hidden_frame(h, t), h->frame) && hit_code(h);
}

/* Anywhere else: what may stand on the shadow stack. As which module is not asked: the call says
 * it. */
FT_INLINE bool hit_known(struct hit *h)
{
	h->entry = code_find(h->tgid, h->code);
	return h->entry && h->entry->verdict != CODE_REJECT;
}

/*
 * At an exit, before anything of the target is read: can this be the exit of a call that is
 * open? Not when the thread has none, unless calls begin or go on unseen.
 */
FT_INLINE struct thread *hit_thread(struct hit *h)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &h->tid);

	if (h->proc->flags & FT_PROC_JIT)
		return thread_get(h->tgid, h->tid);
	return t && (t->depth || t->parked || h->proc->flags & FT_PROC_SUSPENDS) ? t : 0;
}

#endif
