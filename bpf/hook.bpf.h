/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What every program at a hook in a target begins with.
 *
 * From 6.13 the kernel gives programs of this type a stack that they share with all other tasks on
 * the same CPU (bpf_enable_priv_stack() in kernel/bpf/verifier.c), because it runs those of kprobes
 * one at a time. Those of uprobes it does not: a task that is preempted in the middle of one finds
 * the values of another task in its variables. Seen on 7.2: calls of one process under the pid of
 * another, or missing without a trace. A program that calls another one has the stack of its task.
 */
#ifndef FT_HOOK_BPF_H
#define FT_HOOK_BPF_H

#include "maps.bpf.h"

/* A call that the verifier finds to be unreachable, and takes out. */
FT_INLINE void keep_own_stack(struct pt_regs *ctx)
{
	if (ft_settings.never)
		bpf_tail_call(ctx, 0, 0);
}

/* Begins the definition of a program. kind: uprobe or uretprobe. */
#define FT_HOOK(kind, name)                                                                        \
	FT_INLINE int name##_hit(struct pt_regs *ctx);                                             \
	SEC(kind) int name(struct pt_regs *ctx)                                                    \
	{                                                                                          \
		keep_own_stack(ctx);                                                               \
		return name##_hit(ctx);                                                            \
	}                                                                                          \
	FT_INLINE int name##_hit(struct pt_regs *ctx)

#endif
