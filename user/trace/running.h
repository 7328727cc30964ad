/* SPDX-License-Identifier: MIT */
/*
 * What each thread was doing, as far as its events tell: a stack that only nests. Calls of
 * generators and coroutines overlap in a trace; here such a call leaves the stack when another
 * event shows that it is suspended, and comes back when one shows that it runs again.
 *
 *     ENTER a, ENTER b (parent a), ENTER c (parent a)    b is suspended: a b | a c
 *     ENTER d (parent b)                                 b is resumed:   a b d
 *
 * The running stack of an event is its call and the open calls that its parents lead to. Times
 * never go back on one thread.
 */
#ifndef FT_TRACE_RUNNING_H
#define FT_TRACE_RUNNING_H

#include "trace/calls.h"

struct running_thread {
	uint32_t pid, tid;
	uint64_t first_us, now_us;
	struct trace_call **stack; /* owned */
	size_t depth, room;
	char *name;    /* owned; as the last event says */
	bool new_name; /* it has changed with this event */
	void *row;     /* for whoever follows; NULL at first */
};

/* What happened to a call on its thread. */
enum running_step {
	RUNNING_BEGIN,	 /* onto the stack */
	RUNNING_RESUME,	 /* onto the stack again */
	RUNNING_SUSPEND, /* from the stack */
	RUNNING_END,	 /* from the stack */
	RUNNING_GONE,	 /* ended while it was not on the stack */
};

struct running_at {
	enum running_step step;
	struct running_thread *thread;
	struct trace_call *call;
	const struct trace_event *event; /* NULL: the trace is over */
};

struct running {
	/* 0 or -errno, which ends everything. */
	int (*follow)(void *arg, const struct running_at *at);
	void *arg;
	struct trace_functions functions;
	struct trace_calls calls;
	struct map threads;	  /* (pid, tid), 0 -> struct running_thread, owned */
	struct trace_call **path; /* owned scratch */
	size_t path_room;
	uint64_t unopened; /* calls whose ENTER is not in the trace: nothing is said of them */
	uint64_t unfinished;
};

void running_release(struct running *r);
/* 0 or -errno. */
int running_add(struct running *r, const struct trace_event *e);
/* Ends all that is open. 0 or -errno. */
int running_finish(struct running *r);
/* Was it ever suspended? */
bool running_was_suspended(const struct trace_call *call);
/* The thread of the event; NULL without memory. */
struct running_thread *running_thread_of(struct running *r, const struct trace_event *e);

#endif
