/* SPDX-License-Identifier: MIT */
/*
 * The calls that have begun and not ended: those that run stand on their thread's stack, those of
 * suspended generators in a table by their frame, which is the same for all their life. With the
 * GIL held.
 */
#ifndef FT_AGENT_OPEN_CALLS_H
#define FT_AGENT_OPEN_CALLS_H

#include "engine.h"

/* The innermost one of the thread, or NULL. */
struct call *open_top(struct agent_thread *t);
/* Puts a copy on the thread's stack. NULL without memory. */
struct call *open_push(struct agent_thread *t, const struct call *call);
/* Takes the call of this frame off the stack. False: it is not there. */
bool open_take(struct agent_thread *t, const PyCodeObject *code, const void *frame,
	       struct call *ret_call);

/* A copy is kept until it goes on. False without memory. */
bool open_suspend(const struct call *call);
/* Takes the one of this frame from those that are suspended; owned by the caller. NULL: none is. */
struct call *open_unsuspend(const void *frame);
/* Is the call of this frame one that was suspended? */
bool open_waits(const PyCodeObject *code, const void *frame);
/* A new run: nothing is open. */
void open_forget(void);

#endif
