/* SPDX-License-Identifier: MIT */
/*
 * Several traces as one, by time. The lines of one trace keep their order: where one is earlier
 * than the line before it, as that of a call left by an exception may be, it stays after it.
 * Of lines at the same time, those of the trace named first come first.
 *
 *     A   1  4  6 ..   \
 *     B   2  3  9 ..    >  1A 2B 3B 4A 5C ..      heap: the next line of each
 *     C   5  5  7 ..   /
 */
#ifndef FT_TRACE_MERGE_H
#define FT_TRACE_MERGE_H

#include "read/reader.h"
#include "calls/span_set.h"

struct merge_input {
	struct trace_reader *reader; /* owned */
	struct trace_event e;	     /* its next line */
	uint64_t time_us;	     /* the latest so far */
	size_t number;		     /* of the trace, from 0 */
};

struct merge {
	struct merge_input *input; /* owned */
	struct merge_input **heap; /* owned; those that are not over, the next one on top */
	size_t inputs, left;
	bool taken; /* the top's line was given */
	struct span_set spans;
};

/* The paths must outlive m. */
int merge_open(struct merge *m, const char *const *paths, size_t count,
	       const struct trace_input_options *o, struct why *w);
void merge_release(struct merge *m);
/* 1 with the next line, until the next call; 0 at the end; -errno; -EEXIST when two traces begin
 * the same call. */
int merge_next(struct merge *m, struct trace_text *ret_line, struct why *w);

#endif
