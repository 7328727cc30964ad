/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/trace_check.h"
#include "analyze/errors.h"
#include "read/parse.h"
#include "analyze/slowest.h"
#include "analyze/stats.h"

/* A line as the sink writes it; rest: more fields. */
static const struct trace_event *event(const char *kind, const char *function, unsigned us,
				       unsigned span, unsigned parent, const char *rest)
{
	static struct trace_event e;
	static char line[512];
	struct trace_fault fault;
	int len =
		snprintf(line, sizeof(line),
			 "{\"timestamp\": %u, \"event\": \"%s\", \"module\": \"m\", \"function\": "
			 "\"%s\", \"pid\": 1, \"tid\": 1, \"span\": %u, \"parent\": %u%s}",
			 us, kind, function, span, parent, rest);

	cr_assert_eq(trace_parse(line, (size_t)len, &e, &fault), TRACE_IS_EVENT, "%s", line);
	return &e;
}

static const struct trace_event *leave(const char *function, unsigned us, unsigned span,
				       unsigned parent, unsigned duration, const char *exception)
{
	char rest[200];

	snprintf(rest, sizeof(rest), ", \"durationMicros\": %u%s%s", duration,
		 exception ? ", \"exception\": " : "", exception ? exception : "");
	return event("EXIT", function, us, span, parent, rest);
}

static const struct trace_event *raise_in(const char *function, unsigned us, unsigned span,
					  unsigned parent, const char *exception)
{
	char rest[200];

	snprintf(rest, sizeof(rest), ", \"exception\": %s", exception);
	return event("EXCEPTION", function, us, span, parent, rest);
}

#define BAD "{\"type\": \"ValueError\", \"message\": \"no\"}"
#define WORSE "{\"type\": \"KeyError\", \"message\": \"no\"}"

static struct stats_row *row_named(const struct stats *s, const char *name)
{
	for (size_t i = 0; i < s->rows; i++)
		if (!strcmp(s->row[i]->name, name))
			return s->row[i];
	cr_assert_fail("no row %s", name);
	return NULL;
}

Test(trace_stats, self_time_and_exceptions)
{
	struct stats s;
	struct stats_row *r;

	stats_init(&s, STATS_BY_FUNCTION);
	stats_add(&s, event("ENTER", "a", 0, 1, 0, ""));
	stats_add(&s, event("ENTER", "b", 10, 2, 1, ""));
	stats_add(&s, event("ENTER", "c", 20, 3, 2, ""));
	stats_add(&s, raise_in("c", 25, 3, 2, BAD));
	stats_add(&s, leave("c", 25, 3, 2, 5, BAD));
	stats_add(&s, leave("b", 40, 2, 1, 30, BAD)); /* its EXCEPTION is not there */
	stats_add(&s, event("ENTER", "b", 50, 4, 1, ""));
	stats_add(&s, leave("b", 60, 4, 1, 10, NULL));
	stats_add(&s, event("ENTER", "b", 70, 5, 1, "")); /* goes on after a */
	stats_add(&s, leave("a", 100, 1, 0, 100, NULL));
	stats_add(&s, leave("x", 110, 9, 1, 7, NULL)); /* began before the trace */
	stats_add(&s, leave("y", 110, 0, 0, 8, BAD));  /* of an agent without spans */
	cr_assert_eq(stats_finish(&s), 0);
	r = row_named(&s, "m.a");
	cr_assert(r->calls == 1 && r->self_us == 60 && r->durations.sum_us == 100);
	r = row_named(&s, "m.b");
	cr_assert(r->calls == 2 && r->self_us == 35 && r->exceptions == 1 && r->unfinished == 1);
	cr_assert(r->p50_us == 10 && r->p95_us == 30 && r->durations.max_us == 30);
	r = row_named(&s, "m.c");
	cr_assert(r->calls == 1 && r->exceptions == 1 && r->self_us == 5);
	r = row_named(&s, "m.y");
	cr_assert(r->calls == 1 && r->exceptions == 1 && r->self_us == 8);
	cr_assert(s.unopened == 1 && s.without_span == 1);
	stats_release(&s);
}

Test(trace_stats, children_at_the_same_time)
{
	struct stats s;

	stats_init(&s, STATS_BY_MODULE);
	stats_add(&s, event("ENTER", "loop", 0, 1, 0, ""));
	stats_add(&s, event("ENTER", "task", 0, 2, 1, ""));
	stats_add(&s, event("ENTER", "task", 0, 3, 1, ""));
	stats_add(&s, leave("task", 80, 2, 1, 80, NULL));
	stats_add(&s, leave("task", 90, 3, 1, 90, NULL));
	stats_add(&s, leave("loop", 100, 1, 0, 100, NULL));
	cr_assert_eq(stats_finish(&s), 0);
	cr_assert_eq(s.rows, 1);
	cr_assert_str_eq(s.row[0]->name, "m");
	/* Until 80 the loop may have waited; then it runs. */
	cr_assert(s.row[0]->self_us == 20 && s.row[0]->wait_us == 170 && s.row[0]->calls == 3);
	stats_release(&s);
}

static int ascending(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Against a sorted list; tolerance 1/n, 0 = equal. */
static void percentiles_of(size_t n, uint64_t range, size_t budget_bytes, bool approximate)
{
	static const unsigned percent[] = {1, 50, 95, 99, 100};
	struct durations_budget budget = {0, budget_bytes};
	uint64_t *all = calloc(n, sizeof(*all)), us[5], state = n + range;
	struct durations d = {0};

	for (size_t i = 0; i < n; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		all[i] = (state >> 20) % range;
		if (i % 2) /* most are small */
			all[i] %= range / 100 + 1;
		cr_assert_eq(durations_add(&d, &budget, all[i]), 0);
	}
	qsort(all, n, sizeof(*all), ascending);
	cr_assert_eq(durations_percentiles(&d, percent, 5, us), 0);
	cr_assert_eq(d.approximate, approximate, "%zu of %zu", n, (size_t)range);
	for (int i = 0; i < 5; i++) {
		uint64_t want = all[(percent[i] * n + 99) / 100 - 1];
		uint64_t off = us[i] > want ? us[i] - want : want - us[i];

		cr_assert(off <= (approximate ? want / 256 : 0), "p%u of %zu: %zu, want %zu",
			  percent[i], n, (size_t)us[i], (size_t)want);
	}
	cr_assert_eq(d.max_us, all[n - 1]);
	durations_release(&d, &budget);
	cr_assert_eq(budget.used, 0);
	free(all);
}

Test(trace_durations, percentiles)
{
	percentiles_of(1, 1000, 1 << 20, false);
	percentiles_of(2, 1000, 1 << 20, false);
	percentiles_of(99, 1000, 1 << 20, false);
	percentiles_of(100, 1000, 1 << 20, false);
	percentiles_of(101, 10, 1 << 20, false);
	percentiles_of(1000000, 16000, 1 << 20, false);
	percentiles_of(1000000, 1ull << 40, 1 << 20, true);
	percentiles_of(100000, 1ull << 62, 1 << 24, true);
	percentiles_of(5000, 1000000, 1024, true);
}

Test(trace_durations, none_and_the_greatest)
{
	static const unsigned percent[] = {50, 100};
	struct durations_budget budget = {0, 1 << 20};
	struct durations d = {0};
	uint64_t us[2] = {1, 1};

	cr_assert_eq(durations_percentiles(&d, percent, 2, us), 0);
	cr_assert(us[0] == 0 && us[1] == 0);
	durations_add(&d, &budget, INT64_MAX);
	durations_add(&d, &budget, INT64_MAX);
	durations_add(&d, &budget, INT64_MAX);
	cr_assert_eq(d.sum_us, UINT64_MAX);
	durations_percentiles(&d, percent, 2, us);
	cr_assert_eq(us[0], INT64_MAX);
	durations_release(&d, &budget);
}

Test(trace_functions, are_told_apart)
{
	struct trace_functions t = {0};
	struct trace_function *a = trace_functions_of(&t, event("ENTER", "f", 1, 1, 0, ""));
	struct buf label = {0};

	cr_assert_eq(a, trace_functions_of(&t, event("EXIT", "\\u0066", 2, 1, 0, "")));
	cr_assert_neq(a, trace_functions_of(&t, event("EXIT", "g", 2, 1, 0, "")));
	cr_assert_neq(a, trace_functions_of(&t, event("EXIT", "f", 2, 1, 0, ", \"line\": 3")));
	cr_assert_neq(a, trace_functions_of(&t, event("EXIT", "f", 2, 1, 0, ", \"file\": \"f\"")));
	cr_assert_neq(a, trace_functions_of(&t, event("EXIT", "f", 2, 1, 0, ", \"class\": \"f\"")));
	for (int i = 0; i < 5000; i++) {
		char line[32];

		snprintf(line, sizeof(line), ", \"line\": %d", 100 + i);
		trace_functions_of(&t, event("EXIT", "f", 2, 1, 0, line));
	}
	cr_assert_eq(t.count, 5005);
	cr_assert_eq(a, trace_functions_of(&t, event("EXIT", "f", 2, 1, 0, "")));
	trace_function_label(&label, a);
	cr_assert(label.len == 3 && !memcmp(label.s, "m.f", 3));
	buf_release(&label);
	trace_functions_release(&t);
}

static struct trace_check c;

static void line(const struct trace_event *e)
{
	static uint64_t number;

	cr_assert_eq(trace_check_add(&c, e, "t", ++number), 0);
}

static void only(enum check_finding what, uint64_t count)
{
	for (int i = 0; i < CHECK_FINDINGS; i++)
		cr_assert_eq(c.finding[i].count, i == (int)what ? count : 0, "%s: %d",
			     check_names[i], (int)c.finding[i].count);
	cr_assert_eq(trace_check_holds(&c, false), !count || what >= CHECK_NOTES);
	cr_assert_eq(trace_check_holds(&c, true), !count);
	trace_check_release(&c);
	c = (struct trace_check){0};
}

Test(trace_check, each_fault)
{
	line(event("ENTER", "a", 1, 1, 0, ""));
	line(event("ENTER", "b", 2, 2, 1, ""));
	line(raise_in("b", 3, 2, 1, BAD));
	line(leave("b", 3, 2, 1, 1, BAD));
	line(leave("a", 4, 1, 0, 3, NULL));
	only(CHECK_ORDER, 0);

	line(leave("a", 4, 1, 0, 3, NULL));
	only(CHECK_NOT_OPENED, 1);

	line(event("ENTER", "a", 1, 1, 0, ""));
	line(event("ENTER", "a", 2, 1, 0, ""));
	line(leave("a", 4, 1, 0, 3, NULL));
	only(CHECK_OPENED_TWICE, 1);

	line(event("ENTER", "a", 1, 1, 0, ""));
	line(leave("b", 4, 1, 0, 3, NULL));
	only(CHECK_OTHER_FUNCTION, 1);

	line(event("ENTER", "a", 1, 1, 7, ""));
	line(leave("a", 4, 1, 0, 3, NULL));
	only(CHECK_NO_PARENT, 1);

	line(event("ENTER", "a", 1, 0, 0, ""));
	only(CHECK_NO_SPAN, 1);

	line(event("ENTER", "a", 9, 1, 0, ""));
	line(leave("a", 8, 1, 0, 0, NULL));
	only(CHECK_ORDER, 1);

	line(event("ENTER", "a", 1, 1, 0, ""));
	line(raise_in("a", 3, 1, 0, BAD));
	line(event("ENTER", "b", 4, 2, 1, ""));
	line(leave("b", 5, 2, 1, 1, NULL));
	line(leave("a", 6, 1, 0, 1, NULL));
	only(CHECK_EXCEPTION_ALONE, 1);

	line(event("HTTP_RESPONSE", "", 1, 0, 0, ", \"request_id\": \"r\""));
	only(CHECK_RESPONSE_ALONE, 1);
}

Test(trace_check, each_note)
{
	line(event("ENTER", "a", 1, 1, 0, ""));
	line(leave("a", 4, 1, 0, 3, NULL));
	line(event("ENTER", "a", 5, 2, 0, ""));
	cr_assert_eq(trace_check_holds(&c, true), true);
	trace_check_finish(&c);
	only(CHECK_UNFINISHED, 1);

	line(event("ENTER", "a", 1, 1, 0, ""));
	line(event("EXIT", "a", 2, 1, 0, ", \"lost\": true"));
	only(CHECK_LOST_EXIT, 1);

	line(event("HTTP_REQUEST", "", 1, 0, 0, ", \"request_id\": \"r\""));
	line(event("HTTP_REQUEST", "", 1, 0, 0, ", \"request_id\": \"r\""));
	line(event("HTTP_REQUEST", "", 1, 0, 0, ", \"request_id\": \"s\""));
	line(event("HTTP_RESPONSE", "", 1, 0, 0, ", \"request_id\": \"r\""));
	trace_check_finish(&c);
	only(CHECK_UNANSWERED, 2);
}

/* What a `finally` did has later times than the exception that passed through it. */
Test(trace_check, an_exception_may_be_earlier_than_its_finally)
{
	line(event("ENTER", "a", 1, 1, 0, ""));
	line(event("ENTER", "b", 5, 2, 1, ""));
	line(leave("b", 6, 2, 1, 1, NULL));
	line(raise_in("a", 4, 1, 0, BAD));
	line(leave("a", 4, 1, 0, 3, BAD));
	only(CHECK_ORDER, 0);
	line(event("ENTER", "a", 5, 1, 0, ""));
	line(raise_in("a", 4, 1, 0, BAD));
	line(leave("a", 5, 1, 0, 3, BAD));
	only(CHECK_ORDER, 1);
}

Test(trace_check, losses)
{
	char rest[64];

	for (int i = 0; i < 100; i++) {
		snprintf(rest, sizeof(rest), ", \"count\": 2, \"reason\": \"r%d\"", i % 80);
		line(event("LOST", "", 1, 0, 0, rest));
	}
	cr_assert_eq(c.losses, CHECK_REASONS);
	cr_assert_eq(c.loss[0].count, 4);
	cr_assert_str_eq(c.loss[CHECK_REASONS - 1].reason, "other reasons");
	cr_assert(trace_check_holds(&c, false) && !trace_check_holds(&c, true));
	trace_check_release(&c);
	c = (struct trace_check){0};
}

static const struct slow_call *slow_call(const struct slowest *s, size_t i)
{
	return top_n_at(&s->longest, i);
}

Test(trace_slowest, keeps_the_longest)
{
	unsigned durations[] = {5, 90, 3, 70, 70, 1, 80, 2, 100, 60};
	struct slowest s;

	cr_assert_eq(slowest_init(&s, 4), 0);
	slowest_add(&s, event("ENTER", "root", 0, 99, 0, ""), "t", 1);
	for (unsigned i = 0; i < 10; i++) {
		slowest_add(&s, event("ENTER", "f", i, i + 1, 99, ", \"args\": \"{\\\"i\\\": 1}\""),
			    "t", 2 * i + 2);
		slowest_add(&s, leave("f", i, i + 1, 99, durations[i], i == 8 ? BAD : NULL), "t",
			    2 * i + 3);
	}
	slowest_finish(&s);
	cr_assert_eq(s.longest.count, 4);
	cr_assert(slow_call(&s, 0)->duration_us == 100 && slow_call(&s, 1)->duration_us == 90 &&
		  slow_call(&s, 2)->duration_us == 80 && slow_call(&s, 3)->duration_us == 70);
	cr_assert_eq(slow_call(&s, 3)->line, 9);
	cr_assert(slow_call(&s, 0)->exception.len == 14 &&
		  !memcmp(slow_call(&s, 0)->exception.s, "ValueError: no", 14));
	cr_assert(slow_call(&s, 0)->args.len == 8 &&
		  !memcmp(slow_call(&s, 0)->args.s, "{\"i\": 1}", 8));
	cr_assert(slow_call(&s, 0)->chain_len == 1 &&
		  !strcmp(slow_call(&s, 0)->chain[0]->name, "root"));
	slowest_release(&s);
}

Test(trace_errors, one_that_passes_counts_once)
{
	struct errors s = {0};
	uint64_t n = 0;

#define ADD(e) cr_assert_eq(errors_add(&s, e, "t", ++n), 0)
	for (unsigned i = 0; i < 2; i++) {
		ADD(event("ENTER", "a", 1, 1, 0, ", \"args\": \"{}\""));
		ADD(event("ENTER", "b", 2, 2, 1, ""));
		ADD(event("ENTER", "c", 3, 3, 2, ""));
		ADD(raise_in("c", 4, 3, 2, BAD));
		ADD(leave("c", 4, 3, 2, 1, BAD));
		ADD(raise_in("b", 5, 2, 1, BAD));
		ADD(leave("b", 5, 2, 1, 1, BAD));
		ADD(raise_in("a", 6, 1, 0, WORSE)); /* raised from the other */
		ADD(leave("a", 6, 1, 0, 1, WORSE));
	}
	ADD(leave("c", 7, 7, 0, 1, BAD)); /* began before the trace */
	ADD(leave("d", 7, 0, 0, 1, BAD)); /* no span */
#undef ADD
	errors_finish(&s);
	cr_assert_eq(s.groups, 3);
	cr_assert_eq(s.calls_left, 8);
	cr_assert(s.group[0]->count == 3 && s.group[0]->passed == 2 && s.group[0]->line == 4);
	cr_assert_str_eq(s.group[0]->function->name, "c");
	cr_assert_str_eq(s.group[0]->type, "ValueError");
	cr_assert(s.group[0]->chain_len == 2 && !strcmp(s.group[0]->chain[1]->name, "a"));
	cr_assert(s.group[1]->count == 2 && !strcmp(s.group[1]->type, "KeyError"));
	cr_assert_str_eq(s.group[1]->args, "{}");
	errors_release(&s);
}

/* A call may not be its own ancestor, but a hostile trace says so. */
Test(trace_calls, a_ring_of_parents)
{
	const struct trace_function *chain[8];
	struct trace_functions f = {0};
	struct trace_calls calls = {0};
	struct trace_call *call;

	trace_calls_begin(&calls, &f, event("ENTER", "a", 1, 1, 2, ""));
	call = trace_calls_begin(&calls, &f, event("ENTER", "b", 1, 2, 1, ""));
	cr_assert_eq(trace_calls_chain(&calls, call, chain, 8), 8);
	trace_calls_release(&calls);
	trace_functions_release(&f);
}
