/* SPDX-License-Identifier: MIT */
/*
 * What flowctl top shows: the figures of one window, copied out of struct live so that they can
 * be frozen, sorted and filtered; and the three ways to show them.
 */
#ifndef FT_TOP_VIEW_H
#define FT_TOP_VIEW_H

#include "analyze/live.h"

enum top_sort { TOP_SELF, TOP_TOTAL, TOP_CALLS, TOP_P95, TOP_ERRORS };
#define TOP_SORT_WORDS "self|total|calls|p95|errors"

struct top_row {
	char *name;			       /* owned */
	const struct trace_function *function; /* borrowed; only until more events come */
	uint64_t calls, errors, total_us, self_us, wait_us, p95_us;
	double mean_us;
};

#define TOP_FILTER_MAX 64

struct top_view {
	struct top_row *row; /* owned */
	size_t rows;
	double seconds; /* of the window */
	uint64_t events, lost, all_events, all_lost;
	uint64_t requests, failures, request_p95_us;
	bool requests_seen;
	int sort; /* enum top_sort */
	char filter[TOP_FILTER_MAX];
};

/* Takes the window that was closed. 0 or -ENOMEM. */
int top_view_take(struct top_view *v, const struct live *l);
void top_view_sort(struct top_view *v);
/* Is its name among those that the filter lets through? Case does not count. */
bool top_view_shows(const struct top_view *v, const struct top_row *row);
void top_view_release(struct top_view *v);

/* "1830 events/s  0 lost  12 requests/s, p95 3.1 ms, 0 5xx" */
void top_view_sums(struct buf *b, const struct top_view *v);
/* Share of the window's time, in percent. */
double top_share(const struct top_view *v, uint64_t us);
double top_rate(const struct top_view *v, uint64_t count);

/* To standard output; at most `limit` rows. 0 or -ENOMEM. */
int top_print_table(const struct top_view *v, size_t limit);
int top_print_json(const struct top_view *v, size_t limit);

#endif
