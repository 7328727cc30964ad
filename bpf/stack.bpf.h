/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Walking the interpreter's own stack of frames. */
#ifndef FT_STACK_BPF_H
#define FT_STACK_BPF_H

#include "maps.bpf.h"

/* Frames that are looked through, WALK_ROUNDS times WALK_FRAMES: above the default recursion
 * limit, so that only programs that raised theirs can exceed it. */
#define WALK_FRAMES 64
#define WALK_ROUNDS 17
/* The same where a step is long: the verifier goes through the steps of a round one by one, but
 * through a function that is called once. */
#define WALK_FEW 16
#define WALK_MANY (WALK_ROUNDS * WALK_FRAMES / WALK_FEW)

/* Goes down at most WALK_FRAMES frames. WALK_MET: met frame top; 0: met frame below, or the
 * bottom; else the frame where it is. */
u64 ft_stack_walk(u64 frame, u64 top, u64 below);
#define WALK_MET 1
/* Does the top call's frame stand among the frames from this one downwards? */
int ft_call_is_live(u32 tid, u64 frame);
/* In place of the frame: the thread is in another greenlet, so the top's own frame has to tell. */
#define FRAME_AWAY 1

#endif
