/* SPDX-License-Identifier: MIT */
/*
 * Two traces side by side: per function what its calls cost in each, and the exceptions that one
 * has and the other has not. Functions are the same when module, class and name are: the line
 * may have moved.
 */
#ifndef FT_TRACE_DIFFERENCE_H
#define FT_TRACE_DIFFERENCE_H

#include "analyze/errors.h"
#include "analyze/stats.h"

/* One of the two. */
struct difference_side {
	struct stats stats;
	struct errors errors;
	uint64_t calls, self_us, exceptions; /* of all functions; after difference_finish() */
};

struct difference_row {
	const struct trace_function *function; /* of either side */
	const char *name;		       /* borrowed; its label */
	const struct stats_row *side[2];       /* NULL: it was not called there */
};

/* An exception of one type in one function. */
struct difference_error {
	const struct error_group *first; /* with an example of a message */
	uint64_t count[2];
};

struct difference {
	struct difference_side side[2];
	struct difference_row *row; /* owned */
	size_t rows;
	struct difference_error *error; /* owned */
	size_t errors;
};

void difference_init(struct difference *d);
void difference_release(struct difference *d);
/* file must outlive d. 0 or -ENOMEM. */
int difference_add(struct difference *d, int side, const struct trace_event *e, const char *file,
		   uint64_t line);
/* Puts the sides together. 0 or -ENOMEM. */
int difference_finish(struct difference *d);

/* B less A. */
double difference_self_us(const struct difference_row *row);
double difference_total_us(const struct difference_row *row);
double difference_mean_us(const struct difference_row *row, int side);
/* By how much of A's the mean of B is more, in percent; false: A's is 0, or one has none. */
bool difference_percent(const struct difference_row *row, double *ret_percent);

#endif
