/* SPDX-License-Identifier: MIT */
/*
 * The calls that have begun and not ended: those that run are on their thread's stack, those of
 * suspended generators in a table by their frame, which is the same for all their life. With the
 * GIL held.
 */
#ifndef FT_AGENT_OPEN_CALLS_H
#define FT_AGENT_OPEN_CALLS_H

#include "sender.h"

/*
 * What a call is made from that is about to begin: the nearest open one below its frame, as the
 * frames say. NULL: none is. below: the frame under it, or NULL. What is above it on the stack
 * is not open any more. Valid until another function of these is called.
 */
const struct call *open_below(struct agent_thread *t, const void *frame, void *below);
/* The call of this frame is open no more, or about to be suspended. False: it was not. */
bool open_take(struct agent_thread *t, const PyCodeObject *code, const void *frame,
	       struct call *ret_call);

/* A copy is kept until it resumes. False without memory. */
bool open_suspend(const struct call *call);
/* Takes the one of this frame from those that are suspended; owned by the caller. NULL: none is. */
struct call *open_unsuspend(const void *frame);
/* Is the call of this frame one that was suspended? */
bool open_waits(const PyCodeObject *code, const void *frame);
/* A new run: nothing is open. */
void open_forget(void);

#endif
