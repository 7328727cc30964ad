/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* With --all a process becomes known when it first runs Python, since its file is hooked for all.
 */
#include "found.bpf.h"
#include "proc.bpf.h"

FT_GLOBAL int ft_found(u32 tgid, u32 tid)
{
	u32 index = FT_UNKNOWN;
	struct ft_proc *p;

	if (!tgid) /* in a PID namespace that is not below ours */
		return 0;
	p = bpf_map_lookup_elem(&ft_files, &index);
	if (!p)
		return 0;
	bpf_map_update_elem(&ft_procs, &tgid, p, BPF_NOEXIST);
	p = bpf_map_lookup_elem(&ft_procs, &tgid);
	if (!p) {
		count(FT_LOST_procs_full);
		return 0;
	}
	p->born = bpf_ktime_get_ns();
	proc_send(FT_REC_PROC_EXEC, tgid, tid, 0);
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
