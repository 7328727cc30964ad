/* SPDX-License-Identifier: MIT */
/*
 * A whole trace, followed as what runs on its threads: see calls/stacks.h, which calls
 * stacks.follow with each step.
 */
#ifndef FT_TRACE_TIMELINE_H
#define FT_TRACE_TIMELINE_H

#include "calls/stacks.h"

struct timeline {
	struct stacks stacks;
	struct trace_functions functions;
	struct trace_calls calls;
	uint64_t unopened; /* calls whose ENTER is not in the trace: nothing is said of them */
	uint64_t unfinished;
};

void timeline_release(struct timeline *r);
/* 0 or -errno. */
int timeline_add(struct timeline *r, const struct trace_event *e);
/* Ends all that is open. 0 or -errno. */
int timeline_finish(struct timeline *r);
/* The thread of the event, with the name that this says; NULL without memory. */
struct running_thread *timeline_thread_of(struct timeline *r, const struct trace_event *e);

#endif
