/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The kernel types that are x86-64's own; vmlinux.h includes them. */
#ifndef FT_KERNEL_H
#define FT_KERNEL_H

/* The context of a uprobe program; ABI, not relocated. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct thread_struct {
	unsigned long fsbase; /* the thread pointer (TLS) */
} __attribute__((preserve_access_index));

#endif
