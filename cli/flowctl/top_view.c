/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "columns.h"
#include "top_view.h"

static void free_rows(struct top_view *v)
{
	for (size_t i = 0; i < v->rows; i++)
		free(v->row[i].name);
	free(v->row);
	v->row = NULL;
	v->rows = 0;
}

void top_view_release(struct top_view *v)
{
	free_rows(v);
}

static int take_row(struct top_view *v, const struct live_row *from)
{
	struct top_row *to = &v->row[v->rows];

	*to = (struct top_row){
		.name = strdup(from->name),
		.function = from->function,
		.calls = from->calls,
		.errors = from->errors,
		.total_us = (uint64_t)from->total_us,
		.self_us = (uint64_t)from->self_us,
		.wait_us = (uint64_t)from->wait_us,
		.p95_us = from->p95_us,
		.mean_us = from->calls ? (double)from->durations.sum_us / (double)from->calls : 0,
	};
	if (!to->name)
		return -ENOMEM;
	v->rows++;
	return 0;
}

int top_view_take(struct top_view *v, const struct live *l)
{
	int err = 0;

	free_rows(v);
	v->row = calloc(l->rows ? l->rows : 1, sizeof(*v->row));
	if (!v->row)
		return -ENOMEM;
	for (size_t i = 0; i < l->rows && !err; i++)
		if (live_row_is_seen(l->row[i]))
			err = take_row(v, l->row[i]);
	v->seconds = (double)(l->to_us - l->from_us) / 1e6;
	v->events = l->sums.events;
	v->lost = l->sums.lost;
	v->all_events = l->all_events;
	v->all_lost = l->all_lost;
	v->requests = l->sums.requests;
	v->failures = l->sums.failures;
	v->request_p95_us = l->sums.p95_us;
	v->requests_seen = l->requests_seen;
	top_view_sort(v);
	return err;
}

static uint64_t key_of(const struct top_row *row, int sort)
{
	switch (sort) {
	case TOP_TOTAL:
		return row->total_us;
	case TOP_CALLS:
		return row->calls;
	case TOP_P95:
		return row->p95_us;
	case TOP_ERRORS:
		return row->errors;
	}
	return row->self_us;
}

/* The greatest first; equal ones always in the same order. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct top_row *x = a, *y = b;
	uint64_t left = key_of(x, *(int *)arg), right = key_of(y, *(int *)arg);

	if (left != right)
		return left < right ? 1 : -1;
	if (x->self_us != y->self_us)
		return x->self_us < y->self_us ? 1 : -1;
	return strcmp(x->name, y->name);
}

void top_view_sort(struct top_view *v)
{
	qsort_r(v->row, v->rows, sizeof(*v->row), compare, &v->sort);
}

bool top_view_shows(const struct top_view *v, const struct top_row *row)
{
	return !v->filter[0] || strcasestr(row->name, v->filter);
}

double top_rate(const struct top_view *v, uint64_t count)
{
	return v->seconds > 0 ? (double)count / v->seconds : 0;
}

double top_share(const struct top_view *v, uint64_t us)
{
	return v->seconds > 0 ? (double)us / v->seconds / 1e4 : 0;
}

void top_view_sums(struct buf *b, const struct top_view *v)
{
	char text[160], p95[DURATION_MAX];

	snprintf(text, sizeof(text), "%.0f events/s  %llu lost", top_rate(v, v->events),
		 (unsigned long long)v->all_lost);
	buf_str(b, text);
	if (!v->requests_seen)
		return;
	duration_text(p95, (double)v->request_p95_us);
	snprintf(text, sizeof(text), "  %.1f requests/s, p95 %s, %llu 5xx",
		 top_rate(v, v->requests), v->requests ? p95 : "-",
		 (unsigned long long)v->failures);
	buf_str(b, text);
}
