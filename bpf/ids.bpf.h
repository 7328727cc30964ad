/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Process and thread ids in the collector's PID namespace. The kernel's helper gives those of the
 * initial one; in a nested namespace the same tasks have other numbers, which the kernel keeps for
 * each level:
 *
 *     task->thread_pid->numbers[level] {nr, ns}     level 0 = the initial namespace
 */
#ifndef FT_IDS_BPF_H
#define FT_IDS_BPF_H

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

/* Greatest number of namespaces between the collector's and a target's. */
#define FT_PID_LEVELS 4

/* The number of a struct pid in the collector's namespace; 0: it has none there. */
FT_INLINE u32 number_of(struct pid *pid)
{
	u32 level = BPF_CORE_READ(pid, level), i;
	struct pid_namespace *ns;
	struct upid *n;

	for (i = 0; i < FT_PID_LEVELS && i <= level; i++) {
		n = (void *)pid + bpf_core_field_offset(struct pid, numbers) +
		    (u64)(level - i) * bpf_core_type_size(struct upid);
		ns = BPF_CORE_READ(n, ns);
		if (BPF_CORE_READ(ns, ns.inum) == ft_settings.pidns)
			return BPF_CORE_READ(n, nr);
	}
	return 0;
}

/* Not a global function: its callers use up the verifier's eight call frames. */
FT_INLINE u64 nested_ids(struct task_struct *task)
{
	u64 tgid = number_of(BPF_CORE_READ(task, signal, pids[PIDTYPE_TGID]));

	return tgid << 32 | number_of(BPF_CORE_READ(task, thread_pid));
}

/* pid << 32 | tid, like bpf_get_current_pid_tgid(), in the collector's PID namespace. */
FT_INLINE u64 my_ids(void)
{
	if (!ft_settings.pidns)
		return bpf_get_current_pid_tgid();
	return nested_ids((void *)bpf_get_current_task());
}

FT_INLINE u64 ids_of(struct task_struct *task)
{
	if (!ft_settings.pidns)
		return (u64)BPF_CORE_READ(task, tgid) << 32 | BPF_CORE_READ(task, pid);
	return nested_ids(task);
}

#endif
