/* SPDX-License-Identifier: MIT */
/*
 * Two traces side by side: per function what its calls cost in each, and the exceptions that one
 * has and the other has not. Functions are the same when module, class and name are: the line
 * may have moved.
 */
#ifndef FT_TRACE_COMPARE_H
#define FT_TRACE_COMPARE_H

#include "analyze/errors.h"
#include "analyze/stats.h"

/* One of the two. */
struct compare_side {
	struct stats stats;
	struct errors errors;
	uint64_t calls, self_us, exceptions; /* of all functions; after compare_finish() */
};

struct compare_row {
	const struct trace_function *function; /* of either side */
	const char *name;		       /* borrowed; its label */
	const struct stats_row *side[2];       /* NULL: it was not called there */
};

/* An exception of one type in one function. */
struct compare_error {
	const struct error_group *first; /* with an example of a message */
	uint64_t count[2];
};

struct compare {
	struct compare_side side[2];
	struct compare_row *row; /* owned */
	size_t rows;
	struct compare_error *error; /* owned */
	size_t errors;
};

void compare_init(struct compare *d);
void compare_release(struct compare *d);
/* file must outlive d. 0 or -ENOMEM. */
int compare_add(struct compare *d, int side, const struct trace_event *e, const char *file,
		uint64_t line);
/* Puts the sides together. 0 or -ENOMEM. */
int compare_finish(struct compare *d);

/* B less A. */
double compare_self_us(const struct compare_row *row);
double compare_total_us(const struct compare_row *row);
double compare_mean_us(const struct compare_row *row, int side);
/* By how much of A's the mean of B is more, in percent; false: A's is 0, or one has none. */
bool compare_percent(const struct compare_row *row, double *ret_percent);

#endif
