/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * Finds the register that holds the frame at a hook. The frame is a variable of a large function:
 * at one instruction a compiler always has it in the same place, but in each build in another one.
 * So the register is learned per instruction: for the first hits the frame is found through the
 * thread state, and registers that do not hold it are excluded. After that no read is needed to
 * find the frame; now and then the register is verified again.
 */
#ifndef FT_SITE_BPF_H
#define FT_SITE_BPF_H

#include "machine.bpf.h"

#define SITE_LEARNED 64 /* hits */
#define SITE_AGAIN 31	/* a mask: after that every 32nd hit verifies again */

/* NULL: another instruction uses its entry. */
FT_INLINE struct ft_site *site_of(struct ft_proc *p, const struct pt_regs *ctx)
{
	u64 ip = instruction_pointer(ctx);
	struct ft_site *s = &p->site[(ip ^ ip >> 4 ^ ip >> 8) & (FT_SITES - 1)];

	if (!s->ip)
		s->ip = ip;
	return s->ip == ip ? s : 0;
}

/* The frame, which the registers that are fit hold; 0: they do not agree. One may be a copy that
 * not every path to the hook makes. */
FT_INLINE u64 frame_in(const struct pt_regs *ctx, u32 unfit)
{
	u64 frame = 0, value;

#define X(n, name)                                                                                 \
	if (!(unfit & 1U << n)) {                                                                  \
		value = register_at(ctx, __builtin_offsetof(struct pt_regs, name));                \
		if (frame && value != frame)                                                       \
			return 0;                                                                  \
		frame = value;                                                                     \
	}
	FT_REGISTERS(X)
#undef X
	return frame;
}

/* The frame, or 0: its register is not known yet, or must be verified again. */
FT_INLINE u64 site_frame(struct ft_site *s, const struct pt_regs *ctx)
{
	if (!s || s->hits < SITE_LEARNED || !(++s->hits & SITE_AGAIN))
		return 0;
	return frame_in(ctx, s->unfit);
}

/* Learns from a frame that was found through the thread state. */
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
