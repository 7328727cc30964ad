/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "analyze/request_rows.h"
#include "analyze/route.h"
#include "calls/functions.h"

void request_rows_release(struct request_rows *r)
{
	for (size_t i = 0; i < r->count; i++) {
		durations_release(&r->row[i]->durations, &r->budget);
		free(r->row[i]->method);
		free(r->row[i]->route);
		free(r->row[i]);
	}
	free(r->row);
	map_release(&r->index);
	buf_release(&r->scratch);
}

static struct request_row *new_row(struct request_rows *r, const char *method, const char *route,
				   int status_class)
{
	struct request_row *row;

	if (r->count == r->room) {
		size_t room = r->room ? r->room * 2 : 64;
		struct request_row **more = realloc(r->row, room * sizeof(*more));

		if (!more)
			return NULL;
		r->row = more;
		r->room = room;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->method = strdup(method);
	row->route = route ? strdup(route) : NULL;
	row->status_class = status_class;
	if (!row->method || (route && !row->route)) {
		free(row->method);
		free(row->route);
		free(row);
		return NULL;
	}
	r->row[r->count++] = row;
	return row;
}

static struct request_row *indexed_row(struct request_rows *r, uint64_t hash, const char *method,
				       const char *route, int status_class)
{
	uint64_t class_key = (uint64_t)(status_class + 1);
	struct request_row *row = map_get(&r->index, hash, class_key);

	if (row)
		return row;
	row = new_row(r, method, route, status_class);
	return row && !map_put(&r->index, hash, class_key, row, NULL) ? row : NULL;
}

struct request_row *request_rows_of(struct request_rows *r, const char *method, const char *path,
				    int status_class)
{
	uint64_t hash = trace_hash(3, method, strlen(method));
	struct request_row *row;

	buf_clear(&r->scratch);
	if (r->exact)
		buf_str(&r->scratch, path);
	else
		route_fold(&r->scratch, path, strlen(path));
	buf_char(&r->scratch, 0);
	if (r->scratch.failed)
		return NULL;
	hash = trace_hash(hash, r->scratch.s, r->scratch.len);
	row = map_get(&r->index, hash, (uint64_t)(status_class + 1));
	if (!row && r->count >= REQUEST_ROWS_MAX)
		return indexed_row(r, 0, "", NULL, status_class);
	return indexed_row(r, hash, method, r->scratch.s, status_class);
}

int request_rows_add_duration(struct request_rows *r, struct request_row *row, uint64_t us)
{
	return durations_add(&row->durations, &r->budget, us);
}

int request_rows_finish(struct request_rows *r)
{
	static const unsigned percent[] = {50, 95, 99};
	int err = 0;

	for (size_t i = 0; i < r->count && !err; i++) {
		struct request_row *row = r->row[i];
		uint64_t us[3];

		err = durations_percentiles(&row->durations, percent, 3, us);
		row->p50_us = us[0];
		row->p95_us = us[1];
		row->p99_us = us[2];
	}
	return err;
}
