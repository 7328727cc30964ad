/* SPDX-License-Identifier: MIT */
/*
 * The HTTP requests of a trace, by method, route and class of status, and what was called for
 * them. A request is followed from its first line to its answer and the end of the calls that
 * are open then, since the lines of several threads are in no order.
 */
#ifndef FT_TRACE_REQUEST_STATS_H
#define FT_TRACE_REQUEST_STATS_H

#include "analyze/request_rows.h"
#include "calls/stacks.h"
#include "calls/top_n.h"

#define REQUEST_STATS_FUNCTIONS 256   /* of one request; calls of others are not listed */
#define REQUEST_STATS_TOP 10	      /* functions of a slow one that are kept */
#define REQUEST_STATS_UNANSWERED 1000 /* that are listed */

struct request_function {
	const struct trace_function *function; /* borrowed */
	uint64_t calls, total_us, self_us;
};

/* A single one: a slow one, or one without an answer. */
struct single_request {
	char *id, *method, *path; /* owned */
	uint32_t status_code, pid, tid;
	uint64_t start_us, duration_us, calls, traced_us;
	const char *file; /* borrowed; where its last HTTP line is */
	uint64_t line;
	struct request_function top[REQUEST_STATS_TOP]; /* the most self time first */
	size_t tops;
};

struct request_stats {
	struct request_rows rows;
	struct trace_functions functions;
	struct stacks stacks;
	struct trace_calls calls; /* row: its struct open_request; error: is it an outermost one? */
	struct map open;	  /* hash of the id -> struct open_request, owned */
	struct top_n slow;	  /* of struct single_request */
	struct single_request *unanswered; /* owned */
	size_t unanswered_count;
	uint64_t answered, errors, without_answer; /* all of them */
	struct buf scratch;
};

int request_stats_init(struct request_stats *r, bool exact, size_t slow_most);
void request_stats_release(struct request_stats *r);
/* file must outlive r. 0 or -ENOMEM. */
int request_stats_add(struct request_stats *r, const struct trace_event *e, const char *file,
		      uint64_t line);
/* Counts those without an answer and computes the percentiles. 0 or -ENOMEM. */
int request_stats_finish(struct request_stats *r);

#endif
