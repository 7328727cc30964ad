/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Walking the interpreter's own stack of frames. */
#ifndef FT_STACK_BPF_H
#define FT_STACK_BPF_H

#include "maps.bpf.h"

/* Frames that are searched, WALK_ROUNDS times WALK_FRAMES: above the default recursion limit, so
 * that only programs that raised theirs can exceed it. */
#define WALK_FRAMES 64
#define WALK_ROUNDS 17
/* The same for long steps: the verifier checks the steps of a round one by one, but a function only
 * once. */
#define WALK_FEW 16
#define WALK_MANY (WALK_ROUNDS * WALK_FRAMES / WALK_FEW)

/* Walks down at most WALK_FRAMES frames. WALK_MET: met frame top; 0: met frame below, or the
 * bottom; else the frame to continue from. */
u64 ft_stack_walk(u64 frame, u64 top, u64 below);
#define WALK_MET 1
/* Is the top call's frame among the frames from this one downwards? */
int ft_call_is_live(u32 tid, u64 frame);
/* In the place of a frame: the thread is in another greenlet, so only the top's own frame can be
 * examined. */
#define FRAME_AWAY 1

#endif
