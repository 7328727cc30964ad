/* SPDX-License-Identifier: MIT */
/*
 * flowctl requests: HTTP requests by route, and what was called for them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "describe.h"
#include "reading.h"
#include "analyze/request_stats.h"

#define ROWS_ON_TERMINAL 40
#define UNANSWERED_SHOWN 10
#define TOPS_SHOWN 5

enum sort_key {
	SORT_TOTAL,
	SORT_COUNT,
	SORT_MEAN,
	SORT_P50,
	SORT_P95,
	SORT_P99,
	SORT_MAX,
	SORT_CALLS,
	SORT_ROUTE,
};

struct options {
	int sort;
	uint64_t limit, slow;
	const char *where;
	bool exact, follow;
};

static const struct command_option rows[] = {
	{.name = "slow",
	 .letter = 'S',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, slow),
	 .value = "N",
	 .help = "also print the N slowest, with the functions that took most of their time",
	 .min = 1,
	 .max = 1000},
	{.name = "sort",
	 .letter = 's',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, sort),
	 .value = "total|count|mean|p50|p95|p99|max|calls|route",
	 .initial = "total",
	 .help = "sort key"},
	{.name = "exact",
	 .letter = 'E',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, exact),
	 .help = "do not fold paths into routes: /item/1 is not /item/2"},
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

static bool is_unanswered(const struct request_row *row)
{
	return row->status_class == REQUEST_UNANSWERED;
}

static double per_request(const struct request_row *row, uint64_t sum)
{
	return row->count ? (double)sum / (double)row->count : 0;
}

static double mean_of(const struct request_row *row)
{
	return row->durations.count ? (double)row->durations.sum_us / (double)row->durations.count
				    : 0;
}

static void put_status(char to[16], const struct request_row *row)
{
	if (is_unanswered(row))
		strcpy(to, "open");
	else if (row->status_class)
		snprintf(to, 16, "%dxx", row->status_class);
	else
		strcpy(to, "?");
}

static double value_of(const struct request_row *row, int key)
{
	switch (key) {
	case SORT_COUNT:
		return (double)row->count;
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
	case SORT_CALLS:
		return per_request(row, row->calls);
	}
	return (double)row->durations.sum_us;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct request_row *x = *(struct request_row *const *)a;
	const struct request_row *y = *(struct request_row *const *)b;
	int key = *(const int *)arg, order = 0;

	if (key != SORT_ROUTE)
		order = (value_of(x, key) < value_of(y, key)) -
			(value_of(x, key) > value_of(y, key));
	if (!order)
		order = strcmp(x->route ? x->route : "", y->route ? y->route : "");
	if (!order)
		order = strcmp(x->method, y->method);
	return order ? order : x->status_class - y->status_class;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_row(struct json_out *j, const struct request_row *row)
{
	char status[16];

	put_status(status, row);
	json_begin(j, NULL, '{');
	json_text(j, "method", row->route ? row->method : NULL);
	json_text(j, "route", row->route);
	json_text(j, "status", status);
	json_u64(j, "count", row->count);
	json_u64(j, "errors", row->status_class == 5 ? row->count : 0);
	json_u64(j, "totalMicros", row->durations.sum_us);
	json_float(j, "meanMicros", mean_of(row));
	json_u64(j, "p50Micros", row->p50_us);
	json_u64(j, "p95Micros", row->p95_us);
	json_u64(j, "p99Micros", row->p99_us);
	json_u64(j, "maxMicros", row->durations.max_us);
	json_flag(j, "approximate", row->durations.approximate);
	json_u64(j, "calls", row->calls);
	json_float(j, "callsPerRequest", per_request(row, row->calls));
	json_u64(j, "tracedMicros", row->traced_us);
	json_end(j, '}');
}

static void put_single(struct json_out *j, const struct single_request *s, bool answered)
{
	json_begin(j, NULL, '{');
	json_text(j, "request_id", s->id[0] ? s->id : NULL);
	json_text(j, "method", s->method);
	json_text(j, "path", s->path);
	json_u64(j, "timestamp", s->start_us);
	if (answered) {
		json_u64(j, "status_code", s->status_code);
		json_u64(j, "durationMicros", s->duration_us);
	}
	json_u64(j, "pid", s->pid);
	json_u64(j, "tid", s->tid);
	json_u64(j, "calls", s->calls);
	json_u64(j, "tracedMicros", s->traced_us);
	json_begin(j, "functions", '[');
	for (size_t i = 0; i < s->tops; i++) {
		json_begin(j, NULL, '{');
		describe_put_function(j, s->top[i].function);
		json_u64(j, "calls", s->top[i].calls);
		json_u64(j, "totalMicros", s->top[i].total_us);
		json_u64(j, "selfMicros", s->top[i].self_us);
		json_end(j, '}');
	}
	json_end(j, ']');
	json_text(j, "trace", s->file);
	json_u64(j, "traceLine", s->line);
	json_end(j, '}');
}

static int print_json(const struct request_stats *s, const struct reading *r, size_t shown)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	reading_put(&j, r);
	json_u64(&j, "requests", s->answered);
	json_u64(&j, "errors", s->errors);
	json_u64(&j, "unfinished", s->without_answer);
	json_begin(&j, "rows", '[');
	for (size_t i = 0; i < shown; i++)
		put_row(&j, s->rows.row[i]);
	json_end(&j, ']');
	json_begin(&j, "slow", '[');
	for (size_t i = 0; i < s->slow.count; i++)
		put_single(&j, top_n_at(&s->slow, i), true);
	json_end(&j, ']');
	json_begin(&j, "unfinishedRequests", '[');
	for (size_t i = 0; i < s->unanswered_count; i++)
		put_single(&j, &s->unanswered[i], false);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void put_us(struct columns *c, const struct request_row *row, double us)
{
	if (is_unanswered(row))
		columns_text(c, "");
	else
		columns_us(c, us);
}

static int print_table(const struct request_stats *s, size_t shown)
{
	static const struct column columns[] = {
		{"count", COLUMN_RIGHT}, {"err", COLUMN_RIGHT},	  {"mean", COLUMN_RIGHT},
		{"p50", COLUMN_RIGHT},	 {"p95", COLUMN_RIGHT},	  {"p99", COLUMN_RIGHT},
		{"max", COLUMN_RIGHT},	 {"calls", COLUMN_RIGHT}, {"traced", COLUMN_RIGHT},
		{"status", COLUMN_LEFT}, {"method", COLUMN_LEFT}, {"route", COLUMN_LEFT},
	};
	struct columns c;
	char text[32];
	int err;

	columns_init(&c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++) {
		const struct request_row *row = s->rows.row[i];

		columns_u64(&c, row->count);
		columns_u64_or_none(&c, row->status_class == 5 ? row->count : 0);
		put_us(&c, row, mean_of(row));
		put_us(&c, row, (double)row->p50_us);
		put_us(&c, row, (double)row->p95_us);
		put_us(&c, row, (double)row->p99_us);
		put_us(&c, row, (double)row->durations.max_us);
		snprintf(text, sizeof(text), "%.1f", per_request(row, row->calls));
		columns_text(&c, text);
		columns_us(&c, per_request(row, row->traced_us));
		put_status(text, row);
		columns_text(&c, text);
		columns_text(&c, row->method);
		columns_text(&c, row->route ? row->route : "(many routes)");
	}
	err = columns_print(&c);
	columns_release(&c);
	return err;
}

/* "GET /item/17", safe. */
static void print_what(const struct single_request *s)
{
	struct buf b = {0};

	safe_text(&b, s->method, strlen(s->method));
	buf_char(&b, ' ');
	safe_text(&b, s->path, strlen(s->path));
	fwrite(b.s, 1, b.len, stdout);
	buf_release(&b);
}

static void print_slow(const struct single_request *s)
{
	char duration[DURATION_MAX], self[DURATION_MAX];

	duration_text(duration, (double)s->duration_us);
	printf("\n%s%s%s  ", style(stdout, STYLE_BOLD), duration, style(stdout, STYLE_PLAIN));
	print_what(s);
	printf("  %" PRIu32 "\n    began ", s->status_code);
	describe_print_time(s->start_us);
	describe_print_thread(NULL, 0, s->pid, s->tid);
	printf(", %" PRIu64 " calls, line %" PRIu64 " of the trace\n", s->calls, s->line);
	describe_print_field("request", s->id, strlen(s->id));
	for (size_t i = 0; i < s->tops && i < TOPS_SHOWN; i++) {
		duration_text(duration, (double)s->top[i].total_us);
		duration_text(self, (double)s->top[i].self_us);
		printf("    self %s of %s, %" PRIu64 " x ", self, duration, s->top[i].calls);
		describe_print_function(s->top[i].function);
	}
}

static void print_unanswered(const struct single_request *s)
{
	printf("without an answer: ");
	print_what(s);
	printf(", began ");
	describe_print_time(s->start_us);
	describe_print_thread(NULL, 0, s->pid, s->tid);
	printf(", %" PRIu64 " calls\n", s->calls);
}

static void print_rest(const struct request_stats *s, size_t shown)
{
	size_t listed =
		s->unanswered_count < UNANSWERED_SHOWN ? s->unanswered_count : UNANSWERED_SHOWN;

	for (size_t i = 0; i < s->slow.count; i++)
		print_slow(top_n_at(&s->slow, i));
	printf("%s%" PRIu64 " requests, %" PRIu64 " answered with an error (5xx), %" PRIu64
	       " without an answer\n",
	       s->rows.count || s->slow.count ? "\n" : "", s->answered, s->errors,
	       s->without_answer);
	for (size_t i = 0; i < listed; i++)
		print_unanswered(&s->unanswered[i]);
	if (listed < s->without_answer)
		printf("%" PRIu64 " more without an answer\n", s->without_answer - listed);
	if (shown < s->rows.count)
		printf("%zu more rows: --limit %zu shows them\n", s->rows.count - shown,
		       s->rows.count);
}

static int print(void *state, const struct reading *r, const struct arguments *a)
{
	struct request_stats *s = state;
	const struct options *o = a->options;
	size_t shown = s->rows.count;
	int key = o->sort, err = 0;

	if (s->rows.count)
		qsort_r(s->rows.row, s->rows.count, sizeof(*s->rows.row), compare, &key);
	if (o->limit && o->limit < shown)
		shown = o->limit;
	else if (!o->limit && !a->json && terminal_width() && shown > ROWS_ON_TERMINAL)
		shown = ROWS_ON_TERMINAL;
	if (a->json)
		return print_json(s, r, shown);
	if (s->rows.count)
		err = print_table(s, shown);
	if (!err)
		print_rest(s, shown);
	return err;
}

static int add_to_requests(void *s, const struct trace_event *e, const struct reading *r)
{
	return request_stats_add(s, e, trace_reader_file(r->reader), trace_reader_line(r->reader));
}

static int finish_requests(void *s)
{
	return request_stats_finish(s);
}

static int run_requests(const struct arguments *a)
{
	static const struct reading_steps steps = {add_to_requests, finish_requests, print};
	const struct options *o = a->options;
	struct why w = {0};
	struct request_stats s;
	int err = request_stats_init(&s, o->exact, o->slow);

	if (!err)
		err = reading_run(&steps, &s, a, o->follow, o->where, &w);
	request_stats_release(&s);
	return command_end(err, &w);
}

const struct command command_requests = {
	.name = "requests",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "HTTP requests by route and status, the slowest, and those without an answer",
	.about = "For each method, route and class of status: the number of requests, how many of "
		 "them are errors (5xx), mean, percentiles (nearest rank) and maximum of their "
		 "durations, and per request the mean number of traced calls (calls) and the mean "
		 "time of the outermost of them (traced). Numbers, UUIDs and hex strings in a path "
		 "are folded: /item/123 and /item/456 are /item/{n}. Requests without an answer "
		 "have the status open.\n\n--where COND counts only the requests that match COND. "
		 "Both events of a request are considered together.\n\n" READING_WHERE_ABOUT
		 "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_requests,
};
