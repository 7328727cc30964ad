/* SPDX-License-Identifier: MIT */
/*
 * A window of flowctl top where there is no screen to draw on: a table, or a line of JSON.
 */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "columns.h"
#include "describe.h"
#include "json_out.h"
#include "terminal.h"
#include "top_view.h"

static void add_number(struct columns *c, const char *format, double n)
{
	char text[32];

	snprintf(text, sizeof(text), format, n);
	columns_text(c, text);
}

static void add_row(struct columns *c, const struct top_view *v, const struct top_row *row)
{
	add_number(c, "%.1f", top_rate(v, row->calls));
	add_number(c, "%.1f", top_share(v, row->total_us));
	add_number(c, "%.1f", top_share(v, row->self_us));
	if (row->wait_us)
		add_number(c, "%.1f", top_share(v, row->wait_us));
	else
		columns_text(c, "");
	if (row->calls) {
		columns_us(c, row->mean_us);
		columns_us(c, (double)row->p95_us);
	} else {
		columns_text(c, "");
		columns_text(c, "");
	}
	if (row->errors)
		add_number(c, "%.1f", top_rate(v, row->errors));
	else
		columns_text(c, "");
	columns_text(c, row->name);
}

static void print_sums(const struct top_view *v)
{
	struct buf b = {0};
	char clock[32] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	top_view_sums(&b, v);
	printf("%s%s  %.1f s  %.*s%s\n", style(stdout, STYLE_BOLD), clock, v->seconds, (int)b.len,
	       b.s ? b.s : "", style(stdout, STYLE_PLAIN));
	buf_release(&b);
}

int top_print_table(const struct top_view *v, size_t limit)
{
	static const struct column columns[] = {
		{"calls/s", COLUMN_RIGHT},  {"total%", COLUMN_RIGHT}, {"self%", COLUMN_RIGHT},
		{"wait%", COLUMN_RIGHT},    {"mean", COLUMN_RIGHT},   {"p95", COLUMN_RIGHT},
		{"errors/s", COLUMN_RIGHT}, {"", COLUMN_LEFT_END},
	};
	struct columns c;
	int err;

	print_sums(v);
	columns_init(&c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < v->rows && i < limit; i++)
		add_row(&c, v, &v->row[i]);
	err = columns_print(&c);
	columns_release(&c);
	putchar('\n');
	return err;
}

static void put_row(struct json_out *j, const struct top_view *v, const struct top_row *row)
{
	const struct trace_function *f = row->function;

	json_begin(j, NULL, '{');
	json_text(j, "name", row->name);
	describe_put_identity(j, f);
	json_u64(j, "calls", row->calls);
	json_float(j, "callsPerSecond", top_rate(v, row->calls));
	json_u64(j, "totalMicros", row->total_us);
	json_float(j, "totalPercent", top_share(v, row->total_us));
	json_u64(j, "selfMicros", row->self_us);
	json_float(j, "selfPercent", top_share(v, row->self_us));
	json_float(j, "meanMicros", row->mean_us);
	json_u64(j, "p95Micros", row->p95_us);
	json_u64(j, "errors", row->errors);
	json_u64(j, "waitMicros", row->wait_us);
	json_float(j, "waitPercent", top_share(v, row->wait_us));
	json_end(j, '}');
}

int top_print_json(const struct top_view *v, size_t limit)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_u64(&j, "timestamp", clock_ns(CLOCK_REALTIME) / 1000);
	json_float(&j, "seconds", v->seconds);
	json_u64(&j, "events", v->events);
	json_float(&j, "eventsPerSecond", top_rate(v, v->events));
	json_u64(&j, "lost", v->lost);
	json_u64(&j, "requests", v->requests);
	json_float(&j, "requestsPerSecond", top_rate(v, v->requests));
	json_u64(&j, "requestP95Micros", v->request_p95_us);
	json_u64(&j, "failedRequests", v->failures);
	json_begin(&j, "rows", '[');
	for (size_t i = 0; i < v->rows && i < limit; i++)
		put_row(&j, v, &v->row[i]);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}
