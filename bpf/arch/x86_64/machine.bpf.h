/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * What BPF knows of x86-64: registers, thread-local storage, the highest user address. Each folder
 * of arch/ has such a file; kernel.h beside it has the types.
 */
#ifndef FT_MACHINE_BPF_H
#define FT_MACHINE_BPF_H

#include "maps.bpf.h"

#include <bpf/bpf_core_read.h>

#define USER_END 0x7fffffffffffULL /* highest address of a process */

/* ---- registers ------------------------------------------------------------------------------- */

/* Registers that may hold a frame, each with a number below 32. */
#define FT_REGISTERS(X)                                                                            \
	X(0, bx)                                                                                   \
	X(1, bp)                                                                                   \
	X(2, r12)                                                                                  \
	X(3, r13)                                                                                  \
	X(4, r14)                                                                                  \
	X(5, r15)                                                                                  \
	X(6, di)                                                                                   \
	X(7, si)                                                                                   \
	X(8, dx)                                                                                   \
	X(9, cx)                                                                                   \
	X(10, ax)                                                                                  \
	X(11, r8)                                                                                  \
	X(12, r9)                                                                                  \
	X(13, r10)                                                                                 \
	X(14, r11)

/* In assembly, since the verifier refuses access to the context at a computed offset. */
FT_INLINE u64 register_at(const struct pt_regs *ctx, const u32 offset)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(offset));
	return value;
}

/* Registers that a call preserves, by their numbers in instructions; r15 is below. */
#define FT_KEPT_REGISTERS(X)                                                                       \
	X(3, bx)                                                                                   \
	X(5, bp)                                                                                   \
	X(12, r12)                                                                                 \
	X(13, r13)                                                                                 \
	X(14, r14)

/* Starts with a value from the context: the verifier would follow a constant on a path of its
 * own. */
FT_INLINE u64 kept_register(const struct pt_regs *ctx, u8 number)
{
	u64 value = register_at(ctx, __builtin_offsetof(struct pt_regs, r15));

#define X(n, name)                                                                                 \
	if (number == n)                                                                           \
		value = register_at(ctx, __builtin_offsetof(struct pt_regs, name));
	FT_KEPT_REGISTERS(X)
#undef X
	return value;
}

#define FT_ALL_REGISTERS(X)                                                                        \
	X(0, ax)                                                                                   \
	X(1, cx)                                                                                   \
	X(2, dx)                                                                                   \
	X(3, bx)                                                                                   \
	X(4, sp)                                                                                   \
	X(5, bp)                                                                                   \
	X(6, si)                                                                                   \
	X(7, di)                                                                                   \
	X(8, r8)                                                                                   \
	X(9, r9)                                                                                   \
	X(10, r10)                                                                                 \
	X(11, r11)                                                                                 \
	X(12, r12)                                                                                 \
	X(13, r13)                                                                                 \
	X(14, r14)                                                                                 \
	X(15, r15)

/* By its number in an instruction. */
FT_INLINE u64 any_register(const struct pt_regs *ctx, u8 number)
{
	u64 value = 0;

#define X(n, name)                                                                                 \
	if (number == n)                                                                           \
		value = register_at(ctx, __builtin_offsetof(struct pt_regs, name));
	FT_ALL_REGISTERS(X)
#undef X
	return value;
}

FT_INLINE u64 instruction_pointer(const struct pt_regs *ctx)
{
	return register_at(ctx, __builtin_offsetof(struct pt_regs, ip));
}

/* ---- thread-local storage -------------------------------------------------------------------- */

/* glibc's tcbhead_t: offset of the dtv's address from the thread pointer; bytes per module in the
 * dtv. */
#define TLS_DTV 8
#define TLS_DTV_ENTRY 16

FT_INLINE u64 thread_pointer(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return BPF_CORE_READ(task, thread.fsbase);
}

#endif
