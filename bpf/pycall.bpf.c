/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Calls: a body starts, resumes after a suspension, is suspended, returns.
 *
 *     ft_resume        RESUME handlers (3.11+)             start or resumption
 *     ft_return        RETURN_VALUE handler (3.11)         return
 *     ft_yield         YIELD_VALUE handler (3.11+)         suspension
 *     ft_frame_clear   _PyEval_FrameClearAndPop (3.12+)    return or exception
 *     ft_eval_entry    _PyEval_EvalFrameDefault (to 3.10)  start or resumption; exits are inferred
 *     ft_frame_entry   USDT function__entry (to 3.10)      start or resumption
 *                      tstate->frame = f (to 3.10)         start or resumption
 *     ft_frame_exit    USDT function__return (to 3.10)     return, suspension or exception
 *                      exit_eval_frame (to 3.10)           return, suspension or exception
 *                      exit_unwind (3.11)                  exception
 *     ft_freed         functions that free code objects and classes
 */
#define FT_MAPS_OWNER
#include "hook.bpf.h"
#include "leave.bpf.h"

#include <bpf/bpf_tracing.h>

#define CO_NO_MONITORING_EVENTS 0x2000000

/* ---- handlers of the dispatch table (3.11 on) -------------------------------------- */

FT_HOOK("uprobe", ft_resume)
{
	struct probe p;
	int first;

	if (quick_rejected(&p, ctx))
		return 0;
	if (!probe_begins(&p, ctx) || !probe_entry(&p, ctx) || !probe_asked_for(&p) ||
	    http_nested(p.tid, p.frame, p.code, p.entry) || !probe_thread_state(&p))
		return 0;
	/* A function that cannot be suspended passes a RESUME at its start only. */
	first = p.entry->flags & CO_SUSPENDS ? at_start(p.l, p.frame, true) : 1;
	if (first > 0)
		call_start(&p);
	else if (!first)
		call_resume(&p);
	else
		count(FT_LOST_read_frame);
	return 0;
}

FT_HOOK("uprobe", ft_return)
{
	struct thread *t;
	struct probe p;

	if (quick_other(&p, ctx, 0) || !probe_ours(&p, ctx))
		return 0;
	t = probe_thread(&p);
	if (t && probe_exit(&p, t, ctx) && pops_call(t, &p))
		call_return(t, &p);
	else
		probe_passed(&p);
	return 0;
}

/*
 * With a JIT, an exit may be the first event of a function. The helper frame below __init__
 * (specialize.c, _Py_InitCleanup) does not count: it is not a call of the program.
 */
FT_INLINE bool wanted_at_exit(struct probe *p)
{
	u32 flags = 0;

	return !read_at(&flags, 4, p->code + p->l->code_flags) &&
	       !(flags & CO_NO_MONITORING_EVENTS) && probe_wanted(p);
}

/* Is it the end of an open call? */
FT_INLINE bool frame_cleared(struct thread *t, struct probe *p)
{
	if (!exit_possible(p, hidden_frame(p, t), p->frame))
		return false;
	p->code = frame_code(p->l, p->frame);
	return (p->proc->flags & FT_PROC_JIT && wanted_at_exit(p)) || pops_call(t, p);
}

/* _PyEval_FrameClearAndPop(tstate, frame): every exit, by exception or not (3.12 on). */
FT_HOOK("uprobe", ft_frame_clear)
{
	struct thread *t;
	struct probe p;

	if (quick_other(&p, ctx, PT_REGS_PARM2(ctx)) || !probe_ours(&p, ctx))
		return 0;
	t = probe_thread(&p);
	p.tstate = PT_REGS_PARM1(ctx);
	p.frame = PT_REGS_PARM2(ctx);
	if (!t || !frame_cleared(t, &p)) {
		probe_passed(&p);
		return 0;
	}
	if (read_ptr(p.tstate + p.l->tstate_exc_value))
		call_unwind(t, &p, 0);
	else
		call_return(t, &p);
	return 0;
}

FT_HOOK("uprobe", ft_yield)
{
	struct thread *t;
	struct probe p;

	if (quick_other(&p, ctx, 0) || !probe_ours(&p, ctx))
		return 0;
	t = probe_thread(&p);
	if (t && probe_exit(&p, t, ctx) && pops_call(t, &p))
		call_suspend(t, &p);
	else
		probe_passed(&p);
	return 0;
}

/* ---- the eval function (to 3.10) ------------------------------------------------------ */

FT_HOOK("uprobe", ft_eval_entry)
{
	u64 arg[3] = {PT_REGS_PARM1(ctx), PT_REGS_PARM2(ctx), PT_REGS_PARM3(ctx)};
	s32 lasti = 0;
	struct probe p = {};
	u32 thrown;

	/* All are read before one is chosen: the context allows no variable offsets. */
	barrier_var(arg[0]);
	barrier_var(arg[1]);
	barrier_var(arg[2]);
	if (!probe_begins(&p, ctx))
		return 0;
	/* The frame is not the thread's current one yet. */
	p.frame = p.l->entry_frame_arg == 1 ? arg[0] : arg[1];
	thrown = p.l->entry_frame_arg == 1 ? arg[1] : arg[2];
	p.tstate = 0; /* not needed at an entry */
	p.code = frame_code(p.l, p.frame);
	if (!plausible(p.code) || read_at(&lasti, 4, p.frame + p.l->frame_lasti)) {
		count(FT_LOST_read_frame);
		return 0;
	}
	if (!probe_asked_for(&p))
		return 0;
	if (lasti >= 0)
		call_resume(&p);
	else if (!thrown) /* else an exception is thrown in before the start: no code of it runs */
		call_start(&p);
	return 0;
}

/* ---- USDT probes, or the places where they would be (to 3.10) ----------------------- */

FT_HOOK("uprobe", ft_frame_entry)
{
	struct probe p;
	s32 lasti = 0;

	if (quick_rejected(&p, ctx))
		return 0;
	if (!probe_begins(&p, ctx) || !probe_entry(&p, ctx) || !probe_asked_for(&p) ||
	    !probe_thread_state(&p))
		return 0;
	if (read_at(&lasti, 4, p.frame + p.l->frame_lasti)) {
		count(FT_LOST_read_frame);
		return 0;
	}
	if (lasti >= 0)
		call_resume(&p);
	/* Else an exception is thrown into a generator that has not started: no code of it runs. */
	else if (!read_ptr(p.tstate + p.l->tstate_exc_type))
		call_start(&p);
	return 0;
}

FT_HOOK("uprobe", ft_frame_exit)
{
	struct thread *t;
	struct probe p;
	u64 exc_type;

	if (quick_other(&p, ctx, 0) || !probe_ours(&p, ctx))
		return 0;
	t = probe_thread(&p);
	if (!t || !probe_exit(&p, t, ctx) || !pops_call(t, &p)) {
		probe_passed(&p);
		return 0;
	}
	exc_type = read_ptr(p.tstate + p.l->tstate_exc_type);
	if (exc_type)
		call_unwind(t, &p, exc_type);
	else if (p.entry->flags & CO_SUSPENDS && is_suspended(p.l, p.frame))
		call_suspend(t, &p);
	else
		call_return(t, &p);
	return 0;
}

/* ---- freed objects ------------------------------------------------------------------------- */

/* code_dealloc(code), type_dealloc(type). Handled also before all hooks are in. */
FT_HOOK("uprobe", ft_freed)
{
	u32 tgid = my_ids() >> 32;
	struct code_key code = {.code = PT_REGS_PARM1(ctx), .tgid = tgid};
	struct type_key type = {.type = code.code, .tgid = tgid};
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid);

	if (!p)
		return 0;
	code_freed(p, &code);
	bpf_map_delete_elem(&ft_types, &type);
	if (ft_settings.stack)
		bpf_map_delete_elem(&ft_told, &code);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
