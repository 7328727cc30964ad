/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * A process gets another policy while it runs. User space cannot change one field of a map's value,
 * and what it would write back might be out of date, so it runs this program for that.
 */
#include "quick.bpf.h"

/* args: the process, since when it runs its program, and the policy's number. 1: it has it now. */
SEC("raw_tp")
int ft_set_policy(struct bpf_raw_tracepoint_args *ctx)
{
	u32 tgid = ctx->args[0], policy = ctx->args[2];
	u64 born = ctx->args[1];
	struct ft_proc *p = bpf_map_lookup_elem(&ft_procs, &tgid);
	struct ft_proc *looked_at = bpf_map_lookup_elem(&ft_looked_at, &tgid);

	if (!p || p->born != born)
		return 0;
	if (looked_at)
		looked_at->policy = policy;
	p->policy = policy;
	quick_void();
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
