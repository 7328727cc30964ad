/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The floor: programs that do nothing but count, at the sites that the collector uses. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

__u64 hits, copies;

SEC("uprobe")
int count_hit(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&hits, 1);
	return 0;
}

SEC("uretprobe")
int count_copy(struct pt_regs *ctx)
{
	__sync_fetch_and_add(&copies, 1);
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
