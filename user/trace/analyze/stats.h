/* SPDX-License-Identifier: MIT */
/*
 * What the calls of a trace cost, by function, module or thread.
 *
 * self: when a call itself is known to have run, wait: to have been suspended; see calls/stacks.h.
 */
#ifndef FT_TRACE_STATS_H
#define FT_TRACE_STATS_H

#include "calls/stacks.h"
#include "calls/durations.h"

enum stats_by { STATS_BY_FUNCTION, STATS_BY_MODULE, STATS_BY_THREAD };

struct stats_row {
	char *name;			       /* owned: label, module, or thread */
	const struct trace_function *function; /* by function; else NULL */
	uint32_t pid, tid;		       /* by thread */
	uint64_t calls;			       /* that ended */
	uint64_t exceptions, unfinished, lost;
	uint64_t self_us, wait_us;
	struct durations durations;
	uint64_t p50_us, p95_us, p99_us; /* after stats_finish() */
};

struct stats {
	enum stats_by by;
	struct trace_functions functions;
	struct trace_calls calls;
	struct stacks stacks;
	struct map index;	/* module hash or (pid, tid) -> struct stats_row, borrowed */
	struct stats_row **row; /* owned */
	size_t rows, room;
	struct durations_budget budget;
	uint64_t unopened;     /* calls without an ENTER */
	uint64_t without_span; /* calls that have no number: their self time is all of it */
	uint64_t lost_events;  /* the counts of LOST */
	uint64_t sampled;      /* left out on purpose: the counts of SAMPLED */
	uint64_t requests;     /* HTTP_RESPONSE */
	uint64_t first_us, last_us;
};

void stats_init(struct stats *s, enum stats_by by);
void stats_release(struct stats *s);
/* 0 or -ENOMEM. */
int stats_add(struct stats *s, const struct trace_event *e);
/* Counts what is open as unfinished and computes the percentiles. 0 or -ENOMEM. */
int stats_finish(struct stats *s);

#endif
