/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What is known of a thread to tell at once that a hook does not concern us (pass.bpf.h). It is
 * written by that thread alone. It is void when ft_epoch changes: then something else holds for
 * some process.
 */
#ifndef FT_QUICK_BPF_H
#define FT_QUICK_BPF_H

#include "code.bpf.h"

#define QUICK_IDLE 1 /* in the place of a frame: no call is open */

FT_INLINE struct quick *quick_at(u32 tid)
{
	u32 index = tid & (FT_QUICK - 1);

	return bpf_map_lookup_elem(&ft_quick, &index);
}

FT_INLINE bool quick_holds(const struct quick *q)
{
	return q->ready && q->epoch == ft_epoch;
}

/* NULL: nothing is known of the thread, or another one has the place. */
FT_INLINE struct quick *quick_of(u32 tid)
{
	struct quick *q = quick_at(tid);

	return q && q->tid == tid && quick_holds(q) ? q : 0;
}

/*
 * The thread's place, with what holds for its process. NULL: it has none, or not yet. A thread that
 * finds one free claims it and looks again at its next hit: if two do so at once, one of them is
 * the last, and it keeps it.
 */
FT_INLINE struct quick *quick_begin(u32 tgid, u32 tid, const struct ft_proc *p)
{
	const struct ft_layout *l = &p->layout;
	u64 program = program_of(tgid, p, p->policy);
	struct quick *q = quick_at(tid);

	if (!q || p->flags & FT_PROC_JIT)
		return 0;
	if (q->tid != tid) {
		if (!q->tid) {
			q->ready = 0;
			q->begun_frame = 0;
			q->tid = tid;
		}
		return 0;
	}
	if (quick_holds(q) && q->program == program)
		return q;
	q->epoch = ft_epoch;
	q->program = program;
	q->top = 0;
	q->frames = !(p->flags & (FT_PROC_SUSPENDS | FT_PROC_GREENLETS)) && !l->states_running;
	q->raised = p->raised_tid == tid;
	q->tag_mask = l->tag_mask;
	q->frame_at = l->frame_code < l->frame_globals ? l->frame_code : l->frame_globals;
	q->code_word = (u16)(l->frame_code - q->frame_at) >> 3;
	q->globals_word = (u16)(l->frame_globals - q->frame_at) >> 3;
	q->stamp_at = l->dict_stamp;
	q->keys_at = l->dict_keys;
	q->str_at = l->str_length;
	q->ready = 1;
	return q;
}

/* A thread is over, or what was found of it no longer holds. */
FT_INLINE void quick_forget(u32 tid)
{
	struct quick *q = quick_at(tid);

	if (q && q->tid == tid)
		q->tid = 0;
}

/* A call has begun in this frame. */
FT_INLINE void quick_opened(u32 tid, u64 frame)
{
	struct quick *q = quick_at(tid);

	if (q && q->tid == tid)
		q->top = q->frames ? frame : 0;
}

FT_INLINE void quick_closed(u32 tid)
{
	struct quick *q = quick_at(tid);

	if (q && q->tid == tid)
		q->top = 0;
}

/* An exception was seen in an accepted call. */
FT_INLINE void quick_raised(u32 tid)
{
	struct quick *q = quick_at(tid);

	if (q && q->tid == tid) {
		q->top = 0;
		q->raised = 1;
	}
}

/* What is the same for every process has changed for one. */
FT_INLINE void quick_void(void)
{
	__sync_fetch_and_add(&ft_epoch, 1);
}

#endif
