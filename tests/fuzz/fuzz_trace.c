/* SPDX-License-Identifier: MIT */
/*
 * A whole file, plain or packed, and all that is computed of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cost.h"
#include "fuzz.h"
#include "analyze/trace_check.h"
#include "analyze/errors.h"
#include "read/reader.h"
#include "analyze/slowest.h"
#include "analyze/stats.h"

struct all {
	struct stats stats[3];
	struct trace_check check;
	struct slowest slowest;
	struct errors errors;
	uint64_t exits;
};

static void start(struct all *a)
{
	for (int by = 0; by < 3; by++)
		stats_init(&a->stats[by], (enum stats_by)by);
	if (slowest_init(&a->slowest, 3))
		abort();
}

static void add(struct all *a, const struct trace_event *e, const char *file, uint64_t line)
{
	a->exits += e->kind == TRACE_EXIT;
	for (int by = 0; by < 3; by++)
		if (stats_add(&a->stats[by], e))
			abort();
	if (trace_check_add(&a->check, e, file, line) || slowest_add(&a->slowest, e, file, line) ||
	    errors_add(&a->errors, e, file, line))
		abort();
}

/* Every EXIT is counted in one row, whatever it is counted by. */
static void finish(struct all *a)
{
	for (int by = 0; by < 3; by++) {
		uint64_t calls = 0;

		if (stats_finish(&a->stats[by]))
			abort();
		for (size_t i = 0; i < a->stats[by].rows; i++) {
			const struct stats_row *row = a->stats[by].row[i];

			calls += row->calls;
			if (row->p50_us > row->p95_us || row->p95_us > row->p99_us ||
			    row->p99_us > row->durations.max_us)
				abort();
		}
		if (calls != a->exits)
			abort();
		stats_release(&a->stats[by]);
	}
	trace_check_finish(&a->check);
	trace_check_release(&a->check);
	slowest_finish(&a->slowest);
	slowest_release(&a->slowest);
	errors_finish(&a->errors);
	errors_release(&a->errors);
}

static void read_all(struct all *a, const char *path)
{
	const struct trace_input_options options = {0};
	struct trace_reader *r = NULL;
	struct trace_event e;
	struct why w = {0};
	int got = trace_reader_open(&path, 1, &options, &r, &w);

	if (got)
		abort();
	while ((got = trace_reader_next(r, &e, &w)) == 1)
		add(a, &e, trace_reader_file(r), trace_reader_line(r));
	if (got && !w.text[0])
		abort();
	trace_reader_free(r);
}

int fuzz_trace(const uint8_t *data, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	struct cost cost = cost_begin();
	struct all a = {0};
	char path[32];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	start(&a);
	read_all(&a, path);
	finish(&a);
	cost_check_memory(&cost); /* a packed one may be long, and takes its time */
	close(fd);
	return 0;
}
