/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Generators that are thrown into. */
#ifndef FT_THROWN_BPF_H
#define FT_THROWN_BPF_H

#include "py_frame.bpf.h"

/*
 * A generator that is thrown into goes on without a RESUME (3.11): no hook pushes its call. One
 * that waits behind `yield from` while the inner one handles what was thrown runs none of its code
 * at all, but stands among the frames, below the inner one. What they call is then looked for
 * below: among the frames down to the top call's, if a generator whose call is kept as suspended
 * stands there, it is the parent. It is not pushed, since when it waits again no hook may tell.
 *
 *     thread->thrown    1 + calls that were open when throw() was called, or an exception was
 *                       first seen in such a generator; 0 again when none is found there any more
 *     thread->thrown_into
 *                       the one that was thrown into; it stands at thrown_at until it goes on, and
 *                       before that it need not be among the frames: up to 3.13.0 it is not while
 *                       a throw() is called that is no generator's
 *
 * PyTraceBack_Here is the first hook that such a generator passes itself.
 */
int ft_thrown_into(u32 tgid, u64 frame, u64 top);
/* The frame of that generator, the nearest from this frame downwards; 0 = there is none; WALK_MET:
 * nor is the top call there, for one that waits stands at the bottom of a chain of its own (3.9,
 * genobject.c, _gen_throw). */
u64 ft_thrown_below(u32 tid, u64 frame);

/* Whose frame it is; up to 3.10 the code alone tells. */
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
