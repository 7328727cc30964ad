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
 *
 * From that comes where the time of a thread went, which is computed nowhere else. The time between
 * two events of a thread belongs to one call at most, so that all self times together are never
 * more than the thread's own time:
 *
 *     the call on top at the first event is still on the stack       to it
 *     it is not, and what is below on the stack continues            to that
 *     it is not, and another call runs that was suspended before     to none: a loop may have
 *                                                                    waited
 *
 * A trace may hold several runs, one after another or merged, whose processes had the same numbers:
 * each container has a pid 1. The high bits of a span say of which run a call is, unless its
 * caller says so; each run has a stack of its own, and suspends no call of another.
 *
 * A trace has no events for suspensions: what a call did between its last event and its suspension
 * is not known to be its own, and counts as waiting.
 */
#ifndef FT_TRACE_STACKS_H
#define FT_TRACE_STACKS_H

#include "calls/calls.h"

struct running_thread {
	uint32_t pid, tid;
	uint64_t run;
	uint64_t first_us, now_us;
	struct trace_call **stack; /* owned */
	size_t depth, room;
	char *name;    /* owned; as the last event says; for running.h */
	bool new_name; /* it has changed with this event */
	void *row;     /* for what follows; NULL at first */
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
	uint64_t us; /* of a suspension: the last moment that the call is known to have run */
	struct running_thread *thread;
	struct trace_call *call;
	const struct trace_event *event; /* NULL: the trace is over */
};

struct stacks {
	/* 0 or -errno, which ends everything; NULL: not followed. What follows draws one track a
	 * thread: all runs are one to it. */
	int (*follow)(void *arg, const struct running_at *at);
	void *arg;
	struct map threads;	     /* (pid, tid), run -> struct running_thread, owned */
	size_t sweep_at;	     /* at this number idle ones are forgotten */
	struct running_thread *last; /* borrowed: the one that was asked for last */
	struct trace_call **path;    /* owned scratch */
	size_t path_room;
	/* Scratch: the event before on this thread, and this one; whose calls. */
	uint64_t from_us, now_us;
	const struct trace_calls *calls;
};

void stacks_release(struct stacks *s);
/* For who follows: the thread of the event; NULL without memory. */
struct running_thread *stacks_thread(struct stacks *s, const struct trace_event *e);
/* The call that this ENTER has opened runs now. 0 or -errno. */
int stacks_begin(struct stacks *s, const struct trace_calls *c, struct trace_call *call,
		 const struct trace_event *e);
/* It ends with this EXIT: its self_us and wait_us are what they are. It is closed by the caller.
 * 0 or -errno. */
int stacks_end(struct stacks *s, const struct trace_calls *c, struct trace_call *call,
	       const struct trace_event *e);
/* The self time of a call that is open, until then: what is not known to have been suspended ran
 * on, unless its function is known for being suspended. */
uint64_t stacks_self_us(const struct stacks *s, const struct trace_call *call, uint64_t until_us);
/* Its waiting time, until then. */
uint64_t stacks_wait_us(const struct trace_call *call, uint64_t until_us);
/* Takes what runs from all stacks, the innermost first; it is closed by closed(). 0 or -errno. */
int stacks_finish(struct stacks *s, void (*closed)(void *arg, struct trace_call *call), void *arg);
/* Forgets the threads on which no call is open. */
void stacks_sweep(struct stacks *s);
/* Was it ever suspended? */
bool stacks_was_suspended(const struct trace_call *call);

#endif
