/* SPDX-License-Identifier: MIT */
/*
 * What flowctl report puts into its page, for any file: JSON that cannot end the element it
 * stands in, of which every number leads to something, and in which each call is counted once.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checked.h"
#include "fuzz.h"
#include "report_data.h"

struct totals {
	uint64_t enters, exits, responses;
};

struct both {
	struct report_data data;
	struct totals totals;
};

static int add(void *arg, const struct trace_event *e, const struct reading *r)
{
	struct both *b = arg;

	b->totals.enters += e->kind == TRACE_ENTER;
	b->totals.exits += e->kind == TRACE_EXIT;
	b->totals.responses += e->kind == TRACE_HTTP_RESPONSE;
	return report_data_add(&b->data, e, trace_reader_file(r->reader),
			       trace_reader_line(r->reader));
}

static void check_function(struct json_object *all, int64_t id)
{
	if (id < -1 || id >= (int64_t)json_object_array_length(member(all, "names")))
		abort();
}

/* Rows of `columns`, one of which is to be added up. */
static uint64_t sum_rows(struct json_object *rows, size_t columns, size_t column)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = element(rows, i);

		if (json_object_array_length(row) != columns)
			abort();
		sum += element_u64(row, column);
	}
	return sum;
}

static void check_ids(struct json_object *all, const char *key)
{
	struct json_object *rows = member(all, key);

	for (size_t i = 0; i < json_object_array_length(rows); i++)
		check_function(all, json_object_get_int64(element(element(rows, i), 0)));
}

static uint64_t check_flame(struct json_object *all)
{
	static const char *const columns[] = {"function", "self",	"calls",      "errors",
					      "folded",	  "foldedSelf", "foldedCalls"};
	struct json_object *flame = member(all, "flame"), *parent = member(flame, "parent");
	size_t n = json_object_array_length(parent), roots = 0;
	uint64_t calls = json_object_get_uint64(member(flame, "deepest"));

	for (int i = 0; i < 7; i++)
		if (json_object_array_length(member(flame, columns[i])) != n)
			abort();
	for (size_t i = 0; i < n; i++) {
		int64_t up = json_object_get_int64(element(parent, i));

		if (up < -1 || up >= (int64_t)i)
			abort();
		roots += up == -1;
		check_function(all, json_object_get_int64(element(member(flame, "function"), i)));
		calls += element_u64(member(flame, "calls"), i);
		calls += element_u64(member(flame, "foldedCalls"), i);
	}
	sum_rows(member(flame, "roots"), 3, 0);
	if (json_object_array_length(member(flame, "roots")) != roots)
		abort();
	return calls;
}

static uint64_t check_activity(struct json_object *all)
{
	struct json_object *threads = member(member(all, "activity"), "threads");
	uint64_t calls = 0;

	for (size_t i = 0; i < json_object_array_length(threads); i++) {
		struct json_object *buckets = member(element(threads, i), "buckets");

		for (size_t n = 0; n < json_object_array_length(buckets); n++)
			calls += element_u64(buckets, n);
	}
	return calls;
}

static void check_errors(struct json_object *all)
{
	struct json_object *errors = member(all, "errors");

	for (size_t i = 0; i < json_object_array_length(errors); i++) {
		struct json_object *chain = member(element(errors, i), "chain");

		for (size_t n = 0; n < json_object_array_length(chain); n++)
			check_function(all, json_object_get_int64(element(chain, n)));
	}
}

static void check(struct json_object *all, const struct totals *t)
{
	uint64_t others = json_object_get_uint64(member(all, "routesOthers"));

	sum_rows(member(all, "names"), 4, 3);
	check_ids(all, "functions");
	check_ids(all, "calls");
	check_errors(all);
	if (sum_rows(member(all, "functions"), 11, 1) != t->exits || check_flame(all) != t->exits ||
	    check_activity(all) != t->enters ||
	    sum_rows(member(all, "routes"), 8, 3) + others != t->responses)
		abort();
	sum_rows(member(all, "calls"), 11, 1);
	sum_rows(member(all, "requests"), 8, 0);
	if (json_object_array_length(member(all, "calls")) != t->exits ||
	    json_object_array_length(member(all, "requests")) != t->responses)
		abort();
}

int fuzz_report(const uint8_t *data, size_t size)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);
	char path[32];
	const char *operand[] = {path, "report \xff<"};
	struct arguments a = {.operand = operand, .noperands = 1};
	struct reading r;
	struct both b = {0};
	struct buf page = {0};
	struct why w = {0};

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	must(report_data_init(&b.data));
	must(reading_open(&r, &a, 0, false, &w));
	if (!reading_all(&r, add, &b, &w)) {
		struct json_object *all;

		a.noperands = 2;
		must(report_data_finish(&b.data));
		must(report_data_put(&b.data, &r, &a, &page));
		if (memchr(page.s, '<', page.len))
			abort();
		all = must_be_json(page.s, page.len);
		check(all, &b.totals);
		json_object_put(all);
	} else if (!w.text[0]) {
		abort();
	}
	buf_release(&page);
	reading_close(&r);
	report_data_release(&b.data);
	close(fd);
	return 0;
}
