/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "read/pipe_reader.h"
#include "analyze/live.h"

static struct live l;

static void add(const char *kind, const char *function, unsigned us, unsigned span, unsigned parent,
		const char *rest)
{
	struct trace_fault fault;
	struct trace_event e;
	char line[512];
	int len =
		snprintf(line, sizeof(line),
			 "{\"timestamp\": %u, \"event\": \"%s\", \"module\": \"m\", \"function\": "
			 "\"%s\", \"pid\": 1, \"tid\": 1, \"span\": %u, \"parent\": %u%s}",
			 us, kind, function, span, parent, rest);

	cr_assert_eq(trace_parse(line, (size_t)len, &e, &fault), TRACE_IS_EVENT, "%s", line);
	cr_assert_eq(live_add(&l, &e), 0);
}

static void enter(const char *function, unsigned us, unsigned span, unsigned parent)
{
	add("ENTER", function, us, span, parent, "");
}

static void leave(const char *function, unsigned us, unsigned span, unsigned parent,
		  unsigned duration, bool raised)
{
	char rest[160];

	snprintf(rest, sizeof(rest), ", \"durationMicros\": %u%s", duration,
		 raised ? ", \"exception\": {\"type\": \"E\", \"message\": \"\"}" : "");
	add("EXIT", function, us, span, parent, rest);
}

static const struct live_row *row(const char *function)
{
	for (size_t i = 0; i < l.rows; i++)
		if (!strcmp(l.row[i]->function->name, function))
			return l.row[i];
	cr_assert_fail("%s is not there", function);
	return NULL;
}

static void expect(const char *function, unsigned calls, unsigned errors, int total, int self)
{
	const struct live_row *r = row(function);

	cr_expect_eq(r->calls, calls, "%s: %llu calls", function, (unsigned long long)r->calls);
	cr_expect_eq(r->errors, errors, "%s: %llu errors", function, (unsigned long long)r->errors);
	cr_expect_eq(r->total_us, total, "%s: total %lld", function, (long long)r->total_us);
	cr_expect_eq(r->self_us, self, "%s: self %lld", function, (long long)r->self_us);
}

static void begin(void)
{
	live_init(&l, 1000);
	l.late_us = 0;
}

static void end(void)
{
	live_release(&l);
}

TestSuite(live, .init = begin, .fini = end);

Test(live, a_call_counts_in_every_window_with_its_part)
{
	enter("outer", 1100, 1, 0);
	enter("inner", 1200, 2, 1);
	leave("inner", 1500, 2, 1, 300, true);
	cr_assert_eq(live_close(&l, 2000), 0);
	expect("outer", 0, 0, 900, 600);
	expect("inner", 1, 1, 300, 300);
	cr_expect_eq(row("inner")->p95_us, 300);
	live_next(&l);
	cr_expect_eq(l.from_us, 2000);

	enter("inner", 2900, 3, 1);
	cr_assert_eq(live_close(&l, 3000), 0);
	expect("outer", 0, 0, 1000, 900);
	expect("inner", 0, 0, 100, 100);
	live_next(&l);

	leave("inner", 3300, 3, 1, 400, false);
	leave("outer", 3500, 1, 0, 2400, false);
	cr_assert_eq(live_close(&l, 4000), 0);
	expect("outer", 1, 0, 500, 200);
	expect("inner", 1, 0, 300, 300);
	cr_expect_eq(l.all_events, 6);
	live_next(&l);
	cr_assert_eq(live_close(&l, 5000), 0);
	cr_expect_not(live_row_is_seen(row("inner")));
	expect("outer", 0, 0, 0, 0);
}

Test(live, what_was_counted_too_early_is_given_back)
{
	enter("f", 1100, 1, 0);
	cr_assert_eq(live_close(&l, 2000), 0); /* its EXIT at 1900 is still under way */
	expect("f", 0, 0, 900, 900);
	live_next(&l);
	leave("f", 1900, 1, 0, 800, false);
	enter("f", 2100, 2, 0);
	leave("f", 2400, 2, 0, 300, false);
	cr_assert_eq(live_close(&l, 3000), 0);
	expect("f", 2, 0, 200, 200); /* 300 - 100 */
}

Test(live, what_runs_counts_until_events_may_be_missing)
{
	l.late_us = 100;
	enter("long", 1100, 1, 0);
	enter("short", 1950, 2, 1);
	cr_assert_eq(live_close(&l, 2000), 0);
	expect("long", 0, 0, 800, 800);
	cr_expect_not(live_row_is_seen(row("short")));
	live_next(&l);
	leave("short", 1970, 2, 1, 20, false);
	cr_assert_eq(live_close(&l, 3000), 0);
	expect("long", 0, 0, 1000, 980);
	expect("short", 1, 0, 20, 20);
}

Test(live, recursion_counts_once)
{
	enter("f", 1100, 1, 0);
	enter("g", 1200, 2, 1);
	enter("f", 1300, 3, 2);
	leave("f", 1500, 3, 2, 200, false);
	leave("g", 1600, 2, 1, 400, false);
	leave("f", 1900, 1, 0, 800, false);
	cr_assert_eq(live_close(&l, 2000), 0);
	expect("f", 2, 0, 800, 600);
	expect("g", 1, 0, 400, 200);
}

Test(live, a_generator_that_nobody_resumes_does_not_run_for_ever)
{
	enter("caller", 1100, 1, 0);
	enter("generator", 1200, 2, 1);
	leave("caller", 1300, 1, 0, 200, false);
	cr_assert_eq(live_close(&l, 2000), 0);
	expect("generator", 0, 0, 0, 0);
	live_next(&l);
	leave("generator", 2500, 2, 1, 1300, false);
	cr_assert_eq(live_close(&l, 3000), 0);
	expect("generator", 1, 0, 500, 0); /* only what lies in this window */
	cr_expect_eq(row("generator")->wait_us, 500);
	cr_expect_eq(row("generator")->durations.sum_us, 1300);
}

Test(live, an_end_without_a_beginning_counts_within_the_window)
{
	leave("f", 1400, 9, 0, 100000, false);
	cr_assert_eq(live_close(&l, 2000), 0);
	expect("f", 1, 0, 400, 400);
}

Test(live, requests_and_losses)
{
	add("HTTP_RESPONSE", "", 1100, 0, 0, ", \"status_code\": 200, \"durationMicros\": 1000");
	add("HTTP_RESPONSE", "", 1200, 0, 0, ", \"status_code\": 503, \"durationMicros\": 9000");
	add("LOST", "", 1300, 0, 0, ", \"count\": 7, \"reason\": \"ring_full\"");
	cr_assert_eq(live_close(&l, 2000), 0);
	cr_expect_eq(l.sums.requests, 2);
	cr_expect_eq(l.sums.failures, 1);
	cr_expect_eq(l.sums.p95_us, 9000);
	cr_expect_eq(l.sums.lost, 7);
	cr_expect_eq(l.sums.events, 2);
	live_next(&l);
	cr_expect_eq(l.sums.requests, 0);
	cr_expect_eq(l.all_lost, 7);
}

Test(live, memory_has_a_bound)
{
	l.most_calls = 10;
	l.most_functions = 5;
	for (unsigned i = 1; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i % 23);
		enter(name, 1000 + i, i, i - 1); /* none of them ends */
		cr_assert_leq(l.rows, 5);
		cr_assert_leq(l.calls.open.count, 10);
	}
	leave("f3", 2500, 3, 2, 1400, false);
	cr_assert_eq(live_close(&l, 3000), 0);
	cr_expect_eq(row("f3")->calls, 1);
}

/* ---- feed ----------------------------------------------------------------------------------- */

static void put(int fd, const char *text)
{
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

Test(feed, lines_come_in_pieces)
{
	struct trace_event e;
	struct pipe_reader f;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(pipe_reader_init(&f), 0);
	put(fds[1], "{\"timestamp\": 1, \"event\": \"LOST\", \"count\": 1}\n\n{\"timest");
	cr_assert_gt(pipe_reader_read(&f, fds[0]), 0);
	cr_assert(pipe_reader_next(&f, &e));
	cr_expect_eq(e.count, 1);
	cr_assert_not(pipe_reader_next(&f, &e));
	put(fds[1], "amp\": 2, \"event\": \"LOST\", \"count\": 2}\nno event\n");
	cr_assert_gt(pipe_reader_read(&f, fds[0]), 0);
	cr_assert(pipe_reader_next(&f, &e));
	cr_expect_eq(e.count, 2);
	cr_assert_not(pipe_reader_next(&f, &e));
	cr_expect_eq(f.bad, 1);
	close(fds[1]);
	cr_expect_eq(pipe_reader_read(&f, fds[0]), 0);
	close(fds[0]);
	pipe_reader_release(&f);
}

Test(feed, a_line_that_is_too_long_is_passed_over)
{
	static char much[60000];
	struct trace_event e;
	struct pipe_reader f;
	int fds[2];

	memset(much, 'x', sizeof(much) - 1);
	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(pipe_reader_init(&f), 0);
	cr_assert_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	for (size_t sent = 0; sent < 3 * PIPE_READER_LINE_MAX; sent += sizeof(much) - 1) {
		put(fds[1], much);
		while (pipe_reader_read(&f, fds[0]) > 0)
			cr_assert_not(pipe_reader_next(&f, &e));
	}
	put(fds[1], "\n{\"timestamp\": 1, \"event\": \"LOST\", \"count\": 5}\n");
	close(fds[1]);
	while (!pipe_reader_next(&f, &e))
		cr_assert_gt(pipe_reader_read(&f, fds[0]), 0);
	cr_expect_eq(e.count, 5);
	cr_expect_eq(f.bad, 1);
	close(fds[0]);
	pipe_reader_release(&f);
}
