/* SPDX-License-Identifier: MIT */
/*
 * What the calls of a running program cost, in windows of time: events go in as they come, once in
 * a while a window is closed and read, and the next one begins.
 *
 * A call that spans windows counts in each of them with its part: at the end of a window with what
 * it ran so far, at its EXIT with the rest. So the sum over all windows is its duration, however
 * late its events come. What ran so far ends LIVE_LATE_US ago, since an EXIT may still be under
 * way.
 *
 *     window       |----- 1 -----|----- 2 -----|
 *     call            ENTER ====================== EXIT (in 3)
 *     counted in      1: |=======| 2: |========| 3: |==|
 *
 * total: time in the function, recursion counted once. self: when it is known to have run, wait:
 * to have been suspended; see calls/stacks.h. Memory has a bound: a table that is full is given up,
 * and calls that are open then begin anew.
 */
#ifndef FT_TRACE_LIVE_H
#define FT_TRACE_LIVE_H

#include "calls/durations.h"
#include "calls/stacks.h"

/* The collector writes its lines out at least every 100 ms. */
#define LIVE_LATE_US 200000

#define LIVE_FUNCTIONS_MAX 20000
#define LIVE_CALLS_MAX 100000 /* open at one time */

/* Of one function, in this window. */
struct live_row {
	const struct trace_function *function; /* borrowed */
	char *name;			       /* owned: its label */
	uint64_t calls, errors;		       /* that ended; by an exception */
	int64_t total_us, self_us, wait_us;    /* after live_close() not below 0 */
	struct durations durations;	       /* of those that ended */
	uint64_t p95_us;		       /* after live_close() */
};

/* In this window. */
struct live_sums {
	uint64_t events, lost;
	uint64_t requests, failures; /* answered; with a status of 500 or more */
	struct durations durations;  /* of the requests */
	uint64_t p95_us;	     /* after live_close() */
};

struct live {
	struct trace_functions functions;
	struct trace_calls calls;
	struct stacks stacks;
	struct live_row **row; /* owned */
	size_t rows, room;
	struct live_sums sums;
	struct durations_budget budget;
	uint64_t from_us, to_us; /* the window; to_us after live_close() */
	/* Since the beginning. */
	uint64_t all_events, all_lost;
	bool requests_seen;
	size_t most_functions, most_calls;
	uint64_t late_us;
};

void live_init(struct live *l, uint64_t now_us);
void live_release(struct live *l);
/* 0 or -ENOMEM. */
int live_add(struct live *l, const struct trace_event *e);
/* Counts what is running until now and computes the percentiles. 0 or -ENOMEM. */
int live_close(struct live *l, uint64_t now_us);
/* Was anything of it seen in this window? */
bool live_row_is_seen(const struct live_row *row);
/* Begins the next window where this one ended. */
void live_next(struct live *l);

#endif
