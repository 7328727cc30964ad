/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Runtime events on their way out (ft_runtime.h). One that takes time is kept on its thread from
 * its begin to its end; one whose begin was not seen is not told. There is room for one of a kind:
 * of those that lie in each other the innermost alone is told.
 *
 *     runtime_begin(thread, kind, number)            it begins
 *     runtime_begun(probe, kind) -> thread           it is over: was its begin seen?
 *     runtime_send(probe, thread, kind, numbers)     it is told
 */
#ifndef FT_RUNTIME_BPF_H
#define FT_RUNTIME_BPF_H

#include "call_records.bpf.h"
#include "enter.bpf.h"
#include "greenlet.bpf.h"
#include "reap.bpf.h"

/* value: a number that is known only now, or 0. */
FT_INLINE void runtime_begin(struct probe *p, enum ft_runtime kind, u64 value)
{
	struct thread *t = thread_get(p->tgid, p->tid);

	if (!t)
		return;
	t->runtime[kind].value = value;
	t->runtime[kind].start_ns = bpf_ktime_get_ns();
}

/* Not in another life of the thread's number. */
FT_INLINE struct thread *runtime_begun(struct probe *p, enum ft_runtime kind)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &p->tid);

	return t && t->pid == p->tgid && t->runtime[kind].start_ns > p->proc->born ? t : 0;
}

/* The innermost call of the thread that is still alive; NULL: there is none. */
FT_INLINE struct call *innermost_call(struct probe *p, struct thread *t)
{
	struct call *top;

	if (!probe_running(p) || !p->frame)
		return 0;
	if (!t->named)
		name_thread(t, p);
	stack_switch(p, false);
	top = call_top(t, p->tid);
	if (!top || top->frame == p->frame)
		return top;
	t->tstate = p->tstate;
	ft_reap(p->tid, p->frame, 0, 0);
	return call_top(t, p->tid);
}

/* It is over, or takes no time. */
FT_INLINE void runtime_send(struct probe *p, struct thread *t, enum ft_runtime kind,
			    const u64 *value)
{
	struct runtime_begun *begun = &t->runtime[kind];
	u64 now = bpf_ktime_get_ns();
	struct call *top = innermost_call(p, t);
	struct ft_rec_runtime *r = (void *)t->small;
	u32 i;

	head_init(&r->hdr, FT_REC_RUNTIME, sizeof(*r), p->tgid, p->tid, now);
	r->kind = kind;
	r->parent_tid = top ? top->start_tid : 0;
	r->parent_ns = top ? top->start_ns : 0;
	r->start_ns = begun->start_ns ?: now;
	begun->start_ns = 0;
	for (i = 0; i < FT_RUNTIME_VALUES; i++)
		r->value[i] = value[i];
	send(t, p->tid, now, r, sizeof(*r), 1);
}

#endif
