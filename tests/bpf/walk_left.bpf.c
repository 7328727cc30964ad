/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What a test asks of the BPF sources about calls that are left. */
#include "py_frame.bpf.h"

#include "call_records.bpf.h"
#include "raise.bpf.h"
#include "reap.bpf.h"
#include "walk_left.h"

int ft_traceback(struct pt_regs *ctx); /* pyexc.bpf.c */

void push_call(u32 tid, const struct call *call)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_new(t, tid) : 0;

	if (!c)
		return;
	*c = *call;
	call_opened(t, tid, c->frame);
}

const struct call *innermost_call(u32 tid)
{
	const struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);

	return t ? call_top(t, tid) : 0;
}

u32 reap_from(u32 tid, u64 start, u64 fresh, u64 exc)
{
	const struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);

	ft_reap(tid, start, fresh, exc);
	return t ? t->depth : 0;
}

/* The innermost call is left by this exception. */
void raise_value(u32 tid, u64 tstate, u64 type, u64 value)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	struct call *c = t ? call_top(t, tid) : 0;

	if (!c)
		return;
	t->tstate = tstate;
	traceback_of(t, tid, 0, 0, value);
	if (!build_raise(tid, type, value))
		send_raise(t, tid, c, value, bpf_ktime_get_ns(), 0);
}

/* PyTraceBack_Here(object) is called. */
void traceback_here(u64 object)
{
	struct pt_regs ctx = {.di = object};

	ft_traceback(&ctx);
}

/* Of the thread, by which its thread-local words are found. */
void set_thread_pointer(u64 address)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	task->thread.fsbase = address;
}
