/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Which register holds the frame where a hook is. The frame is a variable of a large function, and
 * at one instruction a compiler has it in the same place every time; but each build in another. So
 * it is learned, for each instruction: at first the frame is looked for by way of the thread state,
 * and registers that did not hold it are left out. From then on no read is needed to find it; now
 * and then it is looked at again.
 */
#ifndef FT_SITE_BPF_H
#define FT_SITE_BPF_H

#include "maps.bpf.h"

#define SITE_LEARNED 64 /* hits */
#define SITE_AGAIN 31	/* later one of so many, less one, is looked at again; a mask */

/* In the order of unfit's bits. */
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

/* In assembly, since the verifier refuses the context at an offset that is computed. */
FT_INLINE u64 register_at(const struct pt_regs *ctx, const u32 offset)
{
	u64 value;

	asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(ctx), "i"(offset));
	return value;
}

/* Those that a call keeps, by their numbers in an instruction; and r15. */
#define FT_KEPT_REGISTERS(X)                                                                       \
	X(3, bx)                                                                                   \
	X(5, bp)                                                                                   \
	X(12, r12)                                                                                 \
	X(13, r13)                                                                                 \
	X(14, r14)

/* Some value from the start: the verifier goes on with a constant apart. */
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

/* NULL: another instruction has its place. */
FT_INLINE struct ft_site *site_of(struct ft_proc *p, const struct pt_regs *ctx)
{
	u64 ip = register_at(ctx, __builtin_offsetof(struct pt_regs, ip));
	struct ft_site *s = &p->site[(ip ^ ip >> 4 ^ ip >> 8) & (FT_SITES - 1)];

	if (!s->ip)
		s->ip = ip;
	return s->ip == ip ? s : 0;
}

/* The frame, or 0: it is not known where it is, or it is time to look again. Where more than one
 * register is left they must agree: one may be a copy that not every way to the hook makes. */
FT_INLINE u64 site_frame(struct ft_site *s, const struct pt_regs *ctx)
{
	u64 frame = 0, value;

	if (!s || s->hits < SITE_LEARNED || !(++s->hits & SITE_AGAIN))
		return 0;
#define X(n, name)                                                                                 \
	if (!(s->unfit & 1U << n)) {                                                               \
		value = register_at(ctx, __builtin_offsetof(struct pt_regs, name));                \
		if (frame && value != frame)                                                       \
			return 0;                                                                  \
		frame = value;                                                                     \
	}
	FT_REGISTERS(X)
#undef X
	return frame;
}

/* A frame was found by way of the thread state. */
FT_INLINE void site_learn(struct ft_site *s, const struct pt_regs *ctx, u64 frame)
{
	if (!s)
		return;
#define X(n, name) s->unfit |= (u32)(ctx->name != frame) << n;
	FT_REGISTERS(X)
#undef X
	s->hits++;
}

#endif
