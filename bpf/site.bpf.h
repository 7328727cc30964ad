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

#include "machine.bpf.h"

#define SITE_LEARNED 64 /* hits */
#define SITE_AGAIN 31	/* later one of so many, less one, is looked at again; a mask */

/* NULL: another instruction has its place. */
FT_INLINE struct ft_site *site_of(struct ft_proc *p, const struct pt_regs *ctx)
{
	u64 ip = instruction_pointer(ctx);
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
