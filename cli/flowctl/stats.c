/* SPDX-License-Identifier: MIT */
/*
 * flowctl stats: what the calls cost.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "describe.h"
#include "reading.h"
#include "analyze/stats.h"

#define ROWS_ON_TERMINAL 40

enum sort_key {
	SORT_SELF,
	SORT_TOTAL,
	SORT_CALLS,
	SORT_EXCEPTIONS,
	SORT_UNFINISHED,
	SORT_MEAN,
	SORT_P50,
	SORT_P95,
	SORT_P99,
	SORT_MAX,
	SORT_NAME,
	SORT_WAIT,
};

struct options {
	int sort, by;
	uint64_t limit;
	const char *where;
	bool follow;
};

static const struct command_option rows[] = {
	{.name = "sort",
	 .letter = 's',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, sort),
	 .value = "self|total|calls|exceptions|unfinished|mean|p50|p95|p99|max|name|wait",
	 .initial = "self",
	 .help = "sort key"},
	{.name = "by",
	 .letter = 'b',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, by),
	 .value = "function|module|thread",
	 .initial = "function",
	 .help = "group rows by"},
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .help = "print only the first N rows (default: 40 on a terminal, else all)",
	 .min = 1},
	READING_WHERE(struct options, where),
	READING_FOLLOW(struct options, follow),
	{0},
};

static double mean_of(const struct stats_row *row)
{
	return row->calls ? (double)row->durations.sum_us / (double)row->calls : 0;
}

static double value_of(const struct stats_row *row, int key)
{
	switch (key) {
	case SORT_WAIT:
		return (double)row->wait_us;
	case SORT_TOTAL:
		return (double)row->durations.sum_us;
	case SORT_CALLS:
		return (double)row->calls;
	case SORT_EXCEPTIONS:
		return (double)row->exceptions;
	case SORT_UNFINISHED:
		return (double)row->unfinished;
	case SORT_MEAN:
		return mean_of(row);
	case SORT_P50:
		return (double)row->p50_us;
	case SORT_P95:
		return (double)row->p95_us;
	case SORT_P99:
		return (double)row->p99_us;
	case SORT_MAX:
		return (double)row->durations.max_us;
	}
	return (double)row->self_us;
}

/* The greatest first; where they are equal by name, so that the order is always the same. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct stats_row *x = *(struct stats_row *const *)a;
	const struct stats_row *y = *(struct stats_row *const *)b;
	int key = *(const int *)arg, order = 0;

	if (key != SORT_NAME)
		order = (value_of(x, key) < value_of(y, key)) -
			(value_of(x, key) > value_of(y, key));
	if (!order)
		order = strcmp(x->name, y->name);
	if (!order && x->function && y->function)
		order = (x->function->line > y->function->line) -
			(x->function->line < y->function->line);
	return order;
}

static void put_row(struct json_out *j, const struct stats_row *row)
{
	const struct trace_function *f = row->function;

	json_begin(j, NULL, '{');
	json_text(j, "name", row->name);
	if (f)
		describe_put_identity(j, f);
	json_u64(j, "calls", row->calls);
	json_u64(j, "exceptions", row->exceptions);
	json_u64(j, "unfinished", row->unfinished);
	json_u64(j, "lost", row->lost);
	json_u64(j, "totalMicros", row->durations.sum_us);
	json_u64(j, "selfMicros", row->self_us);
	json_float(j, "meanMicros", mean_of(row));
	json_u64(j, "p50Micros", row->p50_us);
	json_u64(j, "p95Micros", row->p95_us);
	json_u64(j, "p99Micros", row->p99_us);
	json_u64(j, "maxMicros", row->durations.max_us);
	json_flag(j, "approximate", row->durations.approximate);
	json_u64(j, "waitMicros", row->wait_us);
	json_end(j, '}');
}

static int print_json(const struct stats *s, const struct reading *r, size_t shown)
{
	static const char *const by[] = {"function", "module", "thread"};
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_text(&j, "by", by[s->by]);
	reading_put(&j, r);
	json_u64(&j, "lost", s->lost_events);
	json_u64(&j, "sampled", s->sampled);
	json_u64(&j, "requests", s->requests);
	json_u64(&j, "withoutEnter", s->unopened);
	json_u64(&j, "withoutSpan", s->without_span);
	json_begin(&j, "rows", '[');
	for (size_t i = 0; i < shown; i++)
		put_row(&j, s->row[i]);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

/* Most programs have nothing that waits, and terminals have 80 columns. */
static bool any_waits(const struct stats *s, size_t shown)
{
	for (size_t i = 0; i < shown; i++)
		if (s->row[i]->wait_us)
			return true;
	return false;
}

static int print_table(const struct stats *s, size_t shown)
{
	struct column columns[] = {
		{"calls", COLUMN_RIGHT}, {"exc", COLUMN_RIGHT},	 {"open", COLUMN_RIGHT},
		{"total", COLUMN_RIGHT}, {"self", COLUMN_RIGHT}, {"wait", COLUMN_RIGHT},
		{"mean", COLUMN_RIGHT},	 {"p50", COLUMN_RIGHT},	 {"p95", COLUMN_RIGHT},
		{"p99", COLUMN_RIGHT},	 {"max", COLUMN_RIGHT},	 {"", COLUMN_LEFT_END},
	};
	const size_t count = sizeof(columns) / sizeof(columns[0]), wait = 5;
	bool waits = any_waits(s, shown);
	struct columns c;
	int err;

	if (!waits)
		memmove(&columns[wait], &columns[wait + 1],
			(count - wait - 1) * sizeof(columns[0]));
	columns_init(&c, columns, waits ? count : count - 1);
	for (size_t i = 0; i < shown; i++) {
		const struct stats_row *row = s->row[i];

		columns_u64(&c, row->calls);
		columns_u64_or_none(&c, row->exceptions);
		columns_u64_or_none(&c, row->unfinished);
		columns_us(&c, (double)row->durations.sum_us);
		columns_us(&c, (double)row->self_us);
		if (waits)
			columns_us_or_none(&c, (double)row->wait_us);
		columns_us(&c, mean_of(row));
		columns_us(&c, (double)row->p50_us);
		columns_us(&c, (double)row->p95_us);
		columns_us(&c, (double)row->p99_us);
		columns_us(&c, (double)row->durations.max_us);
		columns_text(&c, row->name);
	}
	err = columns_print(&c);
	columns_release(&c);
	return err;
}

/* What is true of the whole, below the table. */
static void print_sums(const struct stats *s, const struct reading *r, size_t shown)
{
	uint64_t calls = 0, exceptions = 0, unfinished = 0, lost = 0, rough = 0;
	char seconds[DURATION_MAX];

	for (size_t i = 0; i < s->rows; i++) {
		calls += s->row[i]->calls;
		exceptions += s->row[i]->exceptions;
		unfinished += s->row[i]->unfinished;
		lost += s->row[i]->lost;
		rough += s->row[i]->durations.approximate;
	}
	duration_text(seconds, s->last_us > s->first_us ? (double)(s->last_us - s->first_us) : 0);
	printf("\n%" PRIu64 " events, %" PRIu64 " calls, %" PRIu64 " left by exception, %" PRIu64
	       " unfinished, %" PRIu64 " events lost, %s\n",
	       trace_reader_report(r->reader)->events, calls, exceptions, unfinished,
	       s->lost_events, seconds);
	if (s->sampled)
		printf("%" PRIu64
		       " calls and requests were left out on purpose: they are in no figure here\n",
		       s->sampled);
	if (shown < s->rows)
		printf("%zu more rows: --limit %zu shows them\n", s->rows - shown, s->rows);
	if (rough)
		printf("p50, p95, p99 of %" PRIu64
		       " rows are within 0.4 %%: too many different durations to keep\n",
		       rough);
	if (lost)
		printf("%" PRIu64 " calls appear to end late: their end was lost\n", lost);
	if (s->unopened)
		printf("%" PRIu64 " calls began before the trace: their self time covers only the "
		       "part in the trace\n",
		       s->unopened);
	if (s->without_span)
		printf("%" PRIu64 " calls have no span: their self time equals their total time\n",
		       s->without_span);
}

static int print(void *state, const struct reading *r, const struct arguments *a)
{
	struct stats *s = state;
	const struct options *o = a->options;
	size_t shown = s->rows;
	int key = o->sort, err;

	if (s->rows)
		qsort_r(s->row, s->rows, sizeof(*s->row), compare, &key);
	if (o->limit && o->limit < shown)
		shown = o->limit;
	else if (!o->limit && !a->json && terminal_width() && shown > ROWS_ON_TERMINAL)
		shown = ROWS_ON_TERMINAL;
	if (a->json)
		return print_json(s, r, shown);
	err = print_table(s, shown);
	if (!err)
		print_sums(s, r, shown);
	return err;
}

static int add_to_stats(void *s, const struct trace_event *e, const struct reading *r)
{
	return stats_add(s, e);
}

static int finish_stats(void *s)
{
	return stats_finish(s);
}

static int run_stats(const struct arguments *a)
{
	static const struct reading_steps steps = {add_to_stats, finish_stats, print};
	const struct options *o = a->options;
	struct why w = {0};
	struct stats s;
	int err;

	stats_init(&s, o->by);
	err = reading_run(&steps, &s, a, o->follow, o->where, &w);
	stats_release(&s);
	return command_end(err, &w);
}

const struct command command_stats = {
	.name = "stats",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "cost of the calls, by function, module or thread",
	.about = "For each function: the calls that ended, how many of them ended by an exception "
		 "(exc), the calls still open at the end (open), their total time, the time that "
		 "they ran themselves without the traced calls that they made (self) or were "
		 "suspended (wait), and mean, percentiles (nearest rank) and maximum of their "
		 "durations.\n\n" STACKS_ABOUT
		 "\n\nMemory use is independent of the size of the trace. If a row has more than "
		 "16384 different durations, its percentiles are within 0.4 %, and JSON says "
		 "\"approximate\": true.\n\n" READING_WHERE_COUNTS "\n\n" READING_WHERE_ABOUT
		 "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_stats,
};
