/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Generators into which an exception is thrown. */
#ifndef FT_THROWN_BPF_H
#define FT_THROWN_BPF_H

#include "py_frame.bpf.h"

/*
 * A generator into which an exception is thrown resumes without a RESUME (3.11): no hook pushes its
 * call. A generator that waits in `yield from` while the inner one handles the exception runs no
 * code of its own, but its frame is on the stack, below the inner one. The caller of their calls is
 * then searched for: if a generator whose call is kept as suspended is among the frames down to the
 * top call's, it is the parent. It is not pushed, since no hook may show when it is suspended
 * again.
 *
 *     thread->thrown    1 + calls that were open when throw() was called, or an exception was
 *                       first seen in such a generator; 0 again when none is found there any more
 *     thread->thrown_into
 *                       the generator of the last throw(); its instruction is thrown_at until it
 *                       resumes, and before that its frame need not be on the stack: up to 3.13.0
 *                       it is not while the throw() of an object that is not a generator is called
 *
 * PyTraceBack_Here is the first hook that such a generator passes itself.
 */
int ft_thrown_into(u32 tgid, u64 frame, u64 top);
/* The frame of that generator, the nearest from this frame downwards; 0 = there is none; WALK_MET:
 * the top call is not there either, because a generator that waits is at the bottom of a chain of
 * its own (3.9, genobject.c, _gen_throw). */
u64 ft_thrown_below(u32 tid, u64 frame);

/* The kind of a frame's owner; up to 3.10 only the code tells. */
FT_INLINE u8 frame_owner(const struct ft_layout *l, u64 frame, u64 code)
{
	u32 flags = 0;
	u8 owner = 0;

	if (l->frame_owner != FT_NO_FIELD) {
		read_at(&owner, 1, frame + l->frame_owner);
		return owner;
	}
	read_at(&flags, 4, code + l->code_flags);
	return flags & CO_SUSPENDS ? OWNER_GENERATOR : 0;
}

#endif
