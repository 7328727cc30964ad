/* SPDX-License-Identifier: MIT */
/*
 * The HTTP requests of a trace, by method, route and class of status, and what was called for
 * them. A request is followed from its first line to its answer and the end of the calls that
 * are open then, since the lines of several threads are in no order.
 */
#ifndef FT_TRACE_REQUESTS_H
#define FT_TRACE_REQUESTS_H

#include "calls/stacks.h"
#include "calls/durations.h"
#include "calls/top_n.h"

#define REQUESTS_ROWS 10000	 /* routes beyond are one row */
#define REQUESTS_FUNCTIONS 256	 /* of one request; calls of others are not listed */
#define REQUESTS_TOP 10		 /* functions of a slow one that are kept */
#define REQUESTS_UNANSWERED 1000 /* that are listed */

enum { REQUEST_UNANSWERED = -1 }; /* as class of status */

struct request_row {
	char *method, *route;  /* owned; route NULL: many */
	int status_class;      /* 2: 200 to 299; 0: no status known; REQUEST_UNANSWERED */
	uint64_t count, calls; /* calls: those that were made for it */
	uint64_t traced_us;    /* of the outermost of these */
	struct durations durations;
	uint64_t p50_us, p95_us, p99_us; /* after requests_finish() */
};

struct request_function {
	const struct trace_function *function; /* borrowed */
	uint64_t calls, total_us, self_us;
};

/* A single one: a slow one, or one without an answer. */
struct single_request {
	char *id, *method, *path; /* owned */
	uint32_t status_code, pid, tid;
	uint64_t start_us, duration_us, calls, traced_us;
	const char *file; /* borrowed; where its last HTTP line stands */
	uint64_t line;
	struct request_function top[REQUESTS_TOP]; /* the most self time first */
	size_t tops;
};

struct requests {
	bool exact; /* paths as they are */

	struct trace_functions functions;
	struct stacks stacks;
	struct trace_calls calls; /* row: its struct request; error: is it an outermost one? */
	struct map open;	  /* hash of the id -> struct request, owned */
	struct map index;	  /* hash of method and route, class -> row, borrowed */
	struct request_row **row; /* owned */
	size_t rows, room;
	struct durations_budget budget;
	struct longest slow;		   /* of struct single_request */
	struct single_request *unanswered; /* owned */
	size_t unanswered_count;
	uint64_t answered, errors, without_answer; /* all of them */
	struct buf scratch;
};

int requests_init(struct requests *r, bool exact, size_t slow_most);
void requests_release(struct requests *r);
/* file must outlive r. 0 or -ENOMEM. */
int requests_add(struct requests *r, const struct trace_event *e, const char *file, uint64_t line);
/* Counts those without an answer and computes the percentiles. 0 or -ENOMEM. */
int requests_finish(struct requests *r);

#endif
