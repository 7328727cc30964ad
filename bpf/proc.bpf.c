/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Threads and processes come and go: children of traced processes are traced too, a thread's data
 * is dropped when it exits, and user space is woken at once by these records.
 */
#include "emit.bpf.h"
#include "greenlet.bpf.h"
#include "proc.bpf.h"

#include <bpf/bpf_core_read.h>

FT_INLINE void thread_drop(u32 tid, bool tell)
{
	struct thread *t = bpf_map_lookup_elem(&ft_threads, &tid);
	u64 now = bpf_ktime_get_ns();
	struct ft_rec h;

	quick_forget(tid);
	if (!t)
		return;
	if (tell) {
		head_init(&h, FT_REC_THREAD_EXIT, sizeof(h), t->pid, tid, now);
		send(t, tid, now, &h, sizeof(h), 0);
	}
	ft_drop_stacks(tid);
	if (t->lost_count) { /* not reported yet: user space finds it here at the end */
		t->depth = 0;
		t->bottom = t->first = 0;
		t->thrown = 0;
		t->named = 0;
		return;
	}
	bpf_map_delete_elem(&ft_threads, &tid);
}

/* A program is over. If it is dormant though it ran Python, none of its calls was seen. */
FT_INLINE void program_over(const struct ft_proc *p, u32 tgid)
{
	const struct ft_proc *looked_at = bpf_map_lookup_elem(&ft_looked_at, &tgid);

	if (p->flags & FT_PROC_DORMANT &&
	    (p->flags | (looked_at ? looked_at->flags : 0)) & FT_PROC_UNSEEN)
		count(FT_LOST_late);
	bpf_map_delete_elem(&ft_looked_at, &tgid);
	__sync_fetch_and_add(&ft_programs_over, 1);
}

SEC("raw_tp/sched_process_fork")
int ft_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0], *child = (void *)ctx->args[1];
	u64 id = ids_of(parent), child_id = ids_of(child);
	u32 tgid = id >> 32, child_tgid = child_id >> 32;
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid);

	if (!p || child_tgid == tgid || !(p->flags & FT_PROC_FOLLOW))
		return 0;
	bpf_map_update_elem(&ft_procs, &child_tgid, p, BPF_ANY);
	p = bpf_map_lookup_elem(&ft_procs, &child_tgid);
	if (p) {
		p->born = bpf_ktime_get_ns();
		p->codes = 0;
		/* Its generators are known as its parent's only. */
		p->flags &= ~(FT_PROC_UNSEEN | FT_PROC_SUSPENDS);
	} else {
		count(FT_LOST_procs_full);
	}
	proc_send(FT_REC_PROC_FORK, tgid, (u32)id, child_tgid);
	return 0;
}

SEC("raw_tp/sched_process_exec")
int ft_exec(struct bpf_raw_tracepoint_args *ctx)
{
	u64 id = my_ids();
	u32 tgid = id >> 32, tid = id, was = ctx->args[1];
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid);

	if (!p || p->flags & FT_PROC_LEFT_OUT)
		return 0;
	program_over(p, tgid);
	quick_void();
	p->born = bpf_ktime_get_ns();
	p->codes = 0;
	p->flags &= ~(FT_PROC_UNSEEN | FT_PROC_GREENLETS | FT_PROC_FOUND);
	p->flags |= FT_PROC_DORMANT | FT_PROC_NEW; /* until its first hit: wake.bpf.c */
	/* The thread that called exec has taken over the number of the first one, which has ended.
	 * The number that it had is known in the initial PID namespace only. */
	thread_drop(ft_settings.pidns ? tid : was, false);
	proc_send(FT_REC_PROC_EXEC, tgid, tid, 0);
	return 0;
}

SEC("raw_tp/sched_process_exit")
int ft_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	u64 id = my_ids();
	u32 tgid = id >> 32, tid = id;
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid);

	if (!p)
		return 0;
	thread_drop(tid, true);
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	program_over(p, tgid);
	bpf_map_delete_elem(&ft_procs, &tgid);
	proc_send(FT_REC_PROC_EXIT, tgid, tid, BPF_CORE_READ(task, exit_code));
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
