/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * No hook sees an exception leave a call. Such a call is found dead later, when its frame has left
 * the interpreter's own stack:
 *
 *     reap(start): while the top of the shadow stack is not among the frames from start
 *                  downwards (frame.previous), it was left by exception: close it.
 *
 * A frame address alone proves nothing, since frames are reused; the address and the code object in
 * the frame do, because every new call of that code would have been pushed.
 *
 * Up to 3.10 a frame is an object that says whether its body runs, and nothing is walked. That is
 * also more reliable: a generator into which an exception is thrown through `yield from` is at the
 * bottom of a chain of its own (genobject.c, _gen_throw).
 */
#ifndef FT_REAP_BPF_H
#define FT_REAP_BPF_H

#include "maps.bpf.h"

/*
 * Closes calls at the top that are no longer alive, seen from frame start, and stops at one that
 * is. A call whose frame is `fresh` is dead in any case: a new call began at that address (0 =
 * none). exc: the pending exception, whose RAISE record is built in the thread's slot (0 = none).
 */
int ft_reap(u32 tid, u64 start, u64 fresh, u64 exc);

#endif
