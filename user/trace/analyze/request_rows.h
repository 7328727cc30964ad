/* SPDX-License-Identifier: MIT */
/*
 * The rows of a table of HTTP requests: one for each method, route (analyze/route.h) and class of
 * status. Percentiles share one budget of memory.
 */
#ifndef FT_TRACE_REQUEST_ROWS_H
#define FT_TRACE_REQUEST_ROWS_H

#include "base/buf.h"
#include "base/map.h"
#include "calls/durations.h"

#define REQUEST_ROWS_MAX 10000 /* routes beyond are one row */
#define REQUEST_ROWS_EXACT_BYTES (32u << 20)

enum { REQUEST_UNANSWERED = -1 }; /* as class of status */

struct request_row {
	char *method, *route;  /* owned; route NULL: many */
	int status_class;      /* 2: 200 to 299; 0: no status known; REQUEST_UNANSWERED */
	uint64_t count, calls; /* calls: those that were made for it */
	uint64_t traced_us;    /* of the outermost of these */
	struct durations durations;
	uint64_t p50_us, p95_us, p99_us; /* after request_rows_finish() */
};

struct request_rows {
	bool exact;		  /* paths as they are */
	struct map index;	  /* hash of method and route, class -> row, borrowed */
	struct request_row **row; /* owned */
	size_t count, room;
	struct durations_budget budget;
	struct buf scratch;
};

#define REQUEST_ROWS(is_exact)                                                                     \
	((struct request_rows){.exact = (is_exact), .budget = {0, REQUEST_ROWS_EXACT_BYTES}})

void request_rows_release(struct request_rows *r);
/* The row of a request, made when there is none; NULL without memory. */
struct request_row *request_rows_of(struct request_rows *r, const char *method, const char *path,
				    int status_class);
/* 0 or -ENOMEM. */
int request_rows_add_duration(struct request_rows *r, struct request_row *row, uint64_t us);
/* Computes the percentiles. 0 or -ENOMEM. */
int request_rows_finish(struct request_rows *r);

#endif
