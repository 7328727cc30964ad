/* SPDX-License-Identifier: MIT */
/*
 * flowctl diff: what became slower or faster from one trace to another.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "columns.h"
#include "describe.h"
#include "reading.h"
#include "select/amount.h"
#include "analyze/compare.h"

#define ROWS_ON_TERMINAL 40
#define ERRORS_SHOWN 20

enum sort_key { SORT_SELF, SORT_TOTAL, SORT_MEAN, SORT_CALLS, SORT_NAME };

struct options {
	int sort;
	uint64_t limit;
	const char *threshold, *where;
};

static const struct command_option rows[] = {
	{.name = "sort",
	 .letter = 's',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, sort),
	 .value = "self|total|mean|calls|name",
	 .initial = "self",
	 .help = "sort key"},
	{.name = "threshold",
	 .letter = 't',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, threshold),
	 .value = "CHANGE",
	 .help = "only functions whose mean changed by at least that percentage (10%) or whose "
		 "self time changed by at least that duration (5ms), and new and gone ones"},
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .help = "print only the first N rows (default: 40 on a terminal, else all)",
	 .min = 1},
	READING_WHERE(struct options, where),
	{0},
};

/* Both readings, the first trace's and the second's. */
struct both {
	struct reading r[2];
	struct compare d;
};

static uint64_t calls_of(const struct compare_row *row, int side)
{
	return row->side[side] ? row->side[side]->calls : 0;
}

static double change_of(const struct compare_row *row, int key)
{
	switch (key) {
	case SORT_TOTAL:
		return compare_total_us(row);
	case SORT_MEAN:
		return compare_mean_us(row, 1) - compare_mean_us(row, 0);
	case SORT_CALLS:
		return (double)calls_of(row, 1) - (double)calls_of(row, 0);
	}
	return compare_self_us(row);
}

/* The greatest change first, whichever way. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct compare_row *x = a, *y = b;
	int key = *(const int *)arg, order = 0;

	if (key != SORT_NAME) {
		double left = fabs(change_of(x, key)), right = fabs(change_of(y, key));

		order = (left < right) - (left > right);
	}
	return order ? order : strcmp(x->name, y->name);
}

static bool is_enough(const struct compare_row *row, const struct amount *threshold)
{
	double percent;

	if (!row->side[0] || !row->side[1])
		return true;
	if (threshold->unit == AMOUNT_TIME)
		return (long double)fabs(compare_self_us(row)) >= threshold->n;
	if (compare_percent(row, &percent))
		return (long double)fabs(percent) >= threshold->n;
	/* From no time to some is more than any percentage. */
	return compare_mean_us(row, 0) < compare_mean_us(row, 1) || threshold->n <= 0;
}

static void choose_rows(struct both *b, const struct amount *threshold)
{
	struct compare *d = &b->d;
	size_t kept = 0;

	for (size_t i = 0; i < d->rows; i++)
		if (is_enough(&d->row[i], threshold))
			d->row[kept++] = d->row[i];
	d->rows = kept;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void put_side(struct json_out *j, const char *key, const struct compare_row *row, int side)
{
	const struct stats_row *s = row->side[side];

	if (!s) {
		json_text(j, key, NULL);
		return;
	}
	json_begin(j, key, '{');
	json_u64(j, "calls", s->calls);
	json_u64(j, "exceptions", s->exceptions);
	json_u64(j, "totalMicros", s->durations.sum_us);
	json_u64(j, "selfMicros", s->self_us);
	json_float(j, "meanMicros", compare_mean_us(row, side));
	json_u64(j, "p95Micros", s->p95_us);
	json_end(j, '}');
}

static const char *state_of(const struct compare_row *row)
{
	return !row->side[0] ? "new" : !row->side[1] ? "gone" : "both";
}

static void put_row(struct json_out *j, const struct compare_row *row)
{
	double percent;

	json_begin(j, NULL, '{');
	json_text(j, "name", row->name);
	json_text(j, "module", row->function->module);
	json_text(j, "class", row->function->class_name);
	json_text(j, "function", row->function->name);
	json_text(j, "state", state_of(row));
	put_side(j, "a", row, 0);
	put_side(j, "b", row, 1);
	json_float(j, "selfChangeMicros", compare_self_us(row));
	json_float(j, "totalChangeMicros", compare_total_us(row));
	if (compare_percent(row, &percent))
		json_float(j, "meanChangePercent", percent);
	else
		json_text(j, "meanChangePercent", NULL);
	json_end(j, '}');
}

static void put_errors(struct json_out *j, const struct compare *d, const char *key, int side)
{
	json_begin(j, key, '[');
	for (size_t i = 0; i < d->errors; i++) {
		const struct compare_error *e = &d->error[i];

		if (!e->count[side] || e->count[!side])
			continue;
		json_begin(j, NULL, '{');
		json_text(j, "type", e->first->type);
		json_text(j, "message", e->first->message);
		json_u64(j, "count", e->count[side]);
		describe_put_function(j, e->first->function);
		json_end(j, '}');
	}
	json_end(j, ']');
}

static void put_whole(struct json_out *j, const struct both *b, int side)
{
	const struct compare_side *s = &b->d.side[side];

	json_begin(j, side ? "b" : "a", '{');
	json_text(j, "trace", trace_reader_file(b->r[side].reader));
	reading_put(j, &b->r[side]);
	json_u64(j, "calls", s->calls);
	json_u64(j, "selfMicros", s->self_us);
	json_u64(j, "exceptions", s->exceptions);
	json_end(j, '}');
}

static int print_json(const struct both *b, size_t shown)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	put_whole(&j, b, 0);
	put_whole(&j, b, 1);
	json_begin(&j, "rows", '[');
	for (size_t i = 0; i < shown; i++)
		put_row(&j, &b->d.row[i]);
	json_end(&j, ']');
	put_errors(&j, &b->d, "newExceptions", 1);
	put_errors(&j, &b->d, "goneExceptions", 0);
	json_end(&j, '}');
	return json_print(&j);
}

/* ---- text ---------------------------------------------------------------------------------- */

static void signed_us(char to[DURATION_MAX + 1], double us)
{
	to[0] = us < 0 ? '-' : '+';
	duration_text(to + 1, fabs(us));
}

static void put_change(struct columns *c, double us)
{
	char text[DURATION_MAX + 1];

	signed_us(text, us);
	columns_text(c, us < 0 || us > 0 ? text : "");
}

/* "a → b"; what one side does not have is left out. */
static void put_pair(struct columns *c, const struct compare_row *row, const char *a, const char *b)
{
	char text[2 * DURATION_MAX + 8];

	snprintf(text, sizeof(text), "%s → %s", row->side[0] ? a : "-", row->side[1] ? b : "-");
	columns_text(c, text);
}

static void put_times(struct columns *c, const struct compare_row *row, double a, double b)
{
	char before[DURATION_MAX], after[DURATION_MAX];

	duration_text(before, a);
	duration_text(after, b);
	put_pair(c, row, before, after);
}

static void put_calls(struct columns *c, const struct compare_row *row)
{
	char before[DURATION_MAX], after[DURATION_MAX];

	snprintf(before, sizeof(before), "%" PRIu64, calls_of(row, 0));
	snprintf(after, sizeof(after), "%" PRIu64, calls_of(row, 1));
	put_pair(c, row, before, after);
}

static void put_percent(struct columns *c, const struct compare_row *row)
{
	char text[32] = "";
	double percent;

	if (!row->side[0] || !row->side[1])
		snprintf(text, sizeof(text), "%s", state_of(row));
	else if (compare_percent(row, &percent))
		snprintf(text, sizeof(text), "%+.*f %%", fabs(percent) < 9.95 ? 1 : 0, percent);
	columns_text(c, text);
}

static double sum_of(const struct compare_row *row, int side)
{
	return row->side[side] ? (double)row->side[side]->durations.sum_us : 0;
}

static double p95_of(const struct compare_row *row, int side)
{
	return row->side[side] ? (double)row->side[side]->p95_us : 0;
}

static int print_table(const struct both *b, size_t shown)
{
	static const struct column columns[] = {
		{"Δself", COLUMN_RIGHT}, {"Δtotal", COLUMN_RIGHT}, {"Δmean", COLUMN_RIGHT},
		{"calls", COLUMN_RIGHT}, {"mean", COLUMN_RIGHT},   {"p95", COLUMN_RIGHT},
		{"total", COLUMN_RIGHT}, {"", COLUMN_LEFT_END},
	};
	struct columns c;
	int err;

	columns_init(&c, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++) {
		const struct compare_row *row = &b->d.row[i];

		put_change(&c, compare_self_us(row));
		put_change(&c, compare_total_us(row));
		put_percent(&c, row);
		put_calls(&c, row);
		put_times(&c, row, compare_mean_us(row, 0), compare_mean_us(row, 1));
		put_times(&c, row, p95_of(row, 0), p95_of(row, 1));
		put_times(&c, row, sum_of(row, 0), sum_of(row, 1));
		columns_text(&c, row->name);
	}
	err = columns_print(&c);
	columns_release(&c);
	return err;
}

static void print_error(const struct compare_error *e, int side)
{
	struct buf line = {0};

	safe_text(&line, e->first->type, strlen(e->first->type));
	if (e->first->message[0]) {
		BUF_LITERAL(&line, ": ");
		safe_text(&line, e->first->message, strlen(e->first->message));
	}
	printf("%s%s%s %" PRIu64 " x ", side ? style(stdout, STYLE_RED) : "",
	       side ? "new exception" : "gone exception", side ? style(stdout, STYLE_PLAIN) : "",
	       e->count[side]);
	describe_print_cut(line.len ? line.s : "", line.len, 24);
	printf("    in ");
	describe_print_function(e->first->function);
	buf_release(&line);
}

static void print_errors(const struct compare *d, int side)
{
	size_t found = 0;

	for (size_t i = 0; i < d->errors; i++) {
		if (!d->error[i].count[side] || d->error[i].count[!side])
			continue;
		if (++found == 1)
			putchar('\n');
		if (found <= ERRORS_SHOWN)
			print_error(&d->error[i], side);
	}
	if (found > ERRORS_SHOWN)
		printf("%zu more: --json has all of them\n", found - ERRORS_SHOWN);
}

static void print_sums(const struct both *b, size_t shown)
{
	const struct compare_side *s = b->d.side;
	char before[DURATION_MAX], after[DURATION_MAX], change[DURATION_MAX + 1];

	duration_text(before, (double)s[0].self_us);
	duration_text(after, (double)s[1].self_us);
	signed_us(change, (double)s[1].self_us - (double)s[0].self_us);
	printf("\nself time of all calls %s → %s (%s), calls %" PRIu64 " → %" PRIu64
	       ", left by exception %" PRIu64 " → %" PRIu64 "\n",
	       before, after, change, s[0].calls, s[1].calls, s[0].exceptions, s[1].exceptions);
	if (shown < b->d.rows)
		printf("%zu more rows: --limit %zu shows them\n", b->d.rows - shown, b->d.rows);
	if (s[0].errors.others || s[1].errors.others)
		printf("some exceptions were not compared: there are more than %u kinds\n",
		       ERRORS_MAX);
}

static int print(struct both *b, const struct arguments *a)
{
	const struct options *o = a->options;
	size_t shown = b->d.rows;
	int key = o->sort, err = 0;

	qsort_r(b->d.row, b->d.rows, sizeof(*b->d.row), compare, &key);
	if (o->limit && o->limit < shown)
		shown = o->limit;
	else if (!o->limit && !a->json && terminal_width() && shown > ROWS_ON_TERMINAL)
		shown = ROWS_ON_TERMINAL;
	if (a->json)
		return print_json(b, shown);
	if (shown)
		err = print_table(b, shown);
	else
		puts("no function changed that much");
	if (err)
		return err;
	print_sums(b, shown);
	print_errors(&b->d, 1);
	print_errors(&b->d, 0);
	return 0;
}

static int collect(struct both *b, int side, const struct arguments *a, struct why *w)
{
	const struct options *o = a->options;
	struct reading *r = &b->r[side];
	struct arguments one = *a;
	struct trace_event e;
	int got = 0, err;

	one.noperands = (size_t)side + 1;
	err = reading_open(r, &one, (size_t)side, false, w);
	if (!err)
		err = reading_where(r, o->where, w);
	while (!err && (got = reading_next(r, &e, w)) > 0)
		err = compare_add(&b->d, side, &e, trace_reader_file(r->reader),
				  trace_reader_line(r->reader));
	if (!err && !got)
		reading_notes(r);
	return got < 0 ? got : err;
}

static int take_threshold(const struct options *o, struct amount *ret_amount, struct why *w)
{
	if (!o->threshold)
		return 0;
	if (!amount_parse(o->threshold, strlen(o->threshold), ret_amount) ||
	    ret_amount->unit == AMOUNT_PLAIN || ret_amount->n < 0)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--threshold takes a percentage or a duration, such as 10%% or "
				"5ms, not \"%s\"",
				o->threshold);
	return 0;
}

static int run_diff(const struct arguments *a)
{
	struct amount threshold = {0, AMOUNT_TIME};
	struct both b = {0};
	struct why w = {0};
	int err = take_threshold(a->options, &threshold, &w);

	compare_init(&b.d);
	for (int side = 0; side < 2 && !err; side++)
		err = collect(&b, side, a, &w);
	if (!err)
		err = compare_finish(&b.d);
	if (!err) {
		choose_rows(&b, &threshold);
		err = print(&b, a);
	}
	for (int side = 0; side < 2; side++)
		reading_close(&b.r[side]);
	compare_release(&b.d);
	return command_end(err, &w);
}

const struct command command_diff = {
	.name = "diff",
	.group = COMMANDS_READ,
	.operands = "A B",
	.min_operands = 2,
	.max_operands = 2,
	.summary = "what became slower or faster between two traces",
	.about = "For each function of trace A or trace B: the change in self time, total time and "
		 "mean, then calls, mean, p95 and total in both. Self times add up to the change "
		 "of the whole trace. Rows are sorted by self time, so a function that became "
		 "slower ranks above its callers. Functions are the same if module, class and name "
		 "are. Below the table: exceptions (by type and function) that only B has (new) or "
		 "only A has (gone).\n\n" READING_WHERE_COUNTS "\n\n" READING_WHERE_ABOUT
		 "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_diff,
};
