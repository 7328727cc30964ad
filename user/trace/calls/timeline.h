/* SPDX-License-Identifier: MIT */
/*
 * A whole trace, followed as what runs on its threads: see trace/stacks.h, which calls
 * stacks.follow with each step.
 */
#ifndef FT_TRACE_RUNNING_H
#define FT_TRACE_RUNNING_H

#include "calls/stacks.h"

struct running {
	struct stacks stacks;
	struct trace_functions functions;
	struct trace_calls calls;
	uint64_t unopened; /* calls whose ENTER is not in the trace: nothing is said of them */
	uint64_t unfinished;
};

void running_release(struct running *r);
/* 0 or -errno. */
int running_add(struct running *r, const struct trace_event *e);
/* Ends all that is open. 0 or -errno. */
int running_finish(struct running *r);
/* The thread of the event, with the name that this says; NULL without memory. */
struct running_thread *running_thread_of(struct running *r, const struct trace_event *e);

#endif
