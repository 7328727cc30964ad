/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Closes calls that are gone from the stack, and finds the exception that left them. */
#include "call_records.bpf.h"
#include "http_request.bpf.h"
#include "py_frame.bpf.h"
#include "reap.bpf.h"
#include "stack.bpf.h"

/* Walks at most WALK_FEW entries of a traceback. WALK_MET: found one of this frame object, with
 * this code; 0: there is none; else the entry to continue from. */
FT_GLOBAL u64 ft_trace_back(u64 traceback, u64 object, u64 code)
{
	const struct ft_layout *l = my_layout();
	u32 i;

	for (i = 0; l && i < WALK_FEW; i++) {
		if (!plausible(traceback))
			return 0;
		if (read_ptr(traceback + l->traceback_frame) == object)
			return object_code(l, object) == code ? WALK_MET : 0;
		traceback = read_ptr(traceback + l->traceback_next);
	}
	return l ? traceback : 0;
}

/*
 * Did the pending exception leave the top call, which is gone? c->exc is the last exception that
 * was seen in that call. A later one may have left it unseen: raised again, which adds no entry to
 * the traceback. Or the exception that left it was swallowed, by C code or by a function that was
 * not asked for, and the pending one is a later one. The traceback tells: it has an entry for each
 * frame that the exception passed on its way here, from the outermost to the one where it was
 * raised. A bare `raise` in a frame that never saw an exception makes no entry at all; its
 * exception is the one that is being handled in a caller. -1: not known.
 */
FT_GLOBAL int ft_left_by(u32 tid, u64 exc)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	const struct ft_layout *l = t ? my_layout() : 0;
	struct call *c = t ? call_top(t, tid) : 0;
	u64 traceback, object, code;
	u32 i;

	if (!l || !c || c->exc == exc)
		return 0;
	if (!c->exc)
		return handled(l, t->tstate) == exc;
	object = c->object;
	code = c->code;
	traceback = read_ptr(t->tstate + l->tstate_exc_traceback);
	for (i = 0; i < WALK_MANY; i++) {
		traceback = ft_trace_back(traceback, object, code);
		if (traceback <= WALK_MET)
			return traceback;
	}
	count(FT_LOST_walk_bound);
	return -1;
}

/* Closes the top call if it is gone; 1 = it was. */
FT_GLOBAL int ft_reap_one(u32 tid, u64 start, u64 fresh, u64 exc)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct ft_proc *p = my_proc();
	const struct ft_layout *l = p ? &p->layout : 0;
	struct call *c = t ? call_top(t, tid) : 0;
	u64 now = bpf_ktime_get_ns();
	int left;

	if (!t || !l || !c || (l->exits_exact && !(p->flags & FT_PROC_JIT)) ||
	    (c->frame != fresh && ft_call_is_live(tid, start)))
		return 0;
	/* Every exit is seen: the call is suspended, by code that a JIT compiled. */
	if (l->exits_exact && !(c->flags & CALL_GENERATOR))
		return 0;
	/* `yield from` and `await` suspend without a hook (YIELD_FROM, up to 3.10). If has_begun()
	 * is false, the frame is that of a new generator at the same address. */
	if (l->exits_exact || (l->states_running && c->frame != fresh &&
			       c->flags & CALL_GENERATOR && frame_code(l, c->frame) == c->code &&
			       has_begun(l, c->frame) && is_suspended(l, c->frame))) {
		suspended_keep(t, p, c);
		call_closed(t, tid);
		return 1;
	}
	left = exc ? ft_left_by(tid, exc) : 0;
	c = call_top(t, tid);
	if (!c)
		return 0;
	if (left > 0)
		send_raise(t, tid, c, exc, now, FT_RAISE_BELOW);
	else if (left < 0)
		send_unknown(t, tid, c, now);
	send_unwound(t, tid, c, now);
	t->http.raised = 0;
	http_finish(tid, c, 1);
	if (c->flags & CALL_STORED)
		suspended_drop(t->pid, c->frame);
	call_closed(t, tid);
	return 1;
}

#define FT_UNWIND_BOUND 8 /* calls closed by one event; the next event continues */

FT_GLOBAL int ft_reap(u32 tid, u64 start, u64 fresh, u64 exc)
{
	u32 i;

	for (i = 0; i < FT_UNWIND_BOUND; i++)
		if (!ft_reap_one(tid, start, fresh, exc))
			return 0;
	count(FT_LOST_unwind_bound);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
