/* SPDX-License-Identifier: MIT */
/*
 * flowctl check: does the trace keep its promises?
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "columns.h"
#include "reading.h"
#include "analyze/trace_check.h"

struct options {
	bool strict, follow;
};

static const struct command_option rows[] = {
	{.name = "strict",
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, strict),
	 .help = "treat losses, and calls and requests that did not end, as faults"},
	READING_FOLLOW(struct options, follow),
	{0},
};

static bool whole(const struct trace_check *c, const struct reading *r, bool strict)
{
	const struct trace_report *report = trace_reader_report(r->reader);

	return trace_check_holds(c, strict) && !report->bad && !(strict && report->torn_file);
}

static void put_finding(struct json_out *j, int what, const struct check_count *f, bool fault)
{
	json_begin(j, NULL, '{');
	json_text(j, "finding", check_names[what]);
	json_text(j, "text", check_texts[what]);
	json_flag(j, "fault", fault);
	json_u64(j, "count", f->count);
	json_begin(j, "first", '[');
	for (size_t i = 0; i < CHECK_PLACES && f->place[i].line; i++) {
		json_begin(j, NULL, '{');
		json_text(j, "file", f->place[i].file);
		json_u64(j, "line", f->place[i].line);
		json_end(j, '}');
	}
	json_end(j, ']');
	json_end(j, '}');
}

static int print_json(const struct trace_check *c, const struct reading *r, bool strict)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_flag(&j, "holds", whole(c, r, strict));
	reading_put(&j, r);
	json_begin(&j, "kinds", '{');
	for (int kind = TRACE_OTHER + 1; kind < TRACE_KINDS; kind++)
		json_u64(&j, trace_kind_names[kind], c->events[kind]);
	json_end(&j, '}');
	json_begin(&j, "lost", '{');
	for (size_t i = 0; i < c->losses; i++)
		json_u64(&j, c->loss[i].reason, c->loss[i].count);
	json_end(&j, '}');
	json_u64(&j, "sampled", c->sampled);
	json_begin(&j, "findings", '[');
	for (int i = 0; i < CHECK_FINDINGS; i++)
		if (c->finding[i].count)
			put_finding(&j, i, &c->finding[i], strict || i < CHECK_NOTES);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

static void put_places(struct columns *t, const struct check_count *f, bool with_file)
{
	struct buf b = {0};

	for (size_t i = 0; i < CHECK_PLACES && f->place[i].line; i++) {
		char number[24];

		if (i)
			BUF_LITERAL(&b, ", ");
		if (with_file) {
			buf_str(&b, f->place[i].file);
			buf_char(&b, ':');
		}
		snprintf(number, sizeof(number), "%" PRIu64, f->place[i].line);
		buf_str(&b, number);
	}
	if (f->count > CHECK_PLACES)
		BUF_LITERAL(&b, ", ...");
	columns_bytes(t, b.s ? b.s : "", b.len);
	buf_release(&b);
}

/* Faults or notes; prints nothing when there are none. */
static int print_findings(const struct trace_check *c, int from, int to, const char *title,
			  bool with_file)
{
	struct column columns[] = {
		{"count", COLUMN_RIGHT}, {title, COLUMN_LEFT}, {"in lines", COLUMN_LEFT}};
	struct columns t;
	bool any = false;
	int err = 0;

	columns_init(&t, columns, 3);
	for (int i = from; i < to; i++) {
		if (!c->finding[i].count)
			continue;
		any = true;
		columns_u64(&t, c->finding[i].count);
		columns_text(&t, check_texts[i]);
		put_places(&t, &c->finding[i], with_file);
	}
	if (any) {
		putchar('\n');
		err = columns_print(&t);
	}
	columns_release(&t);
	return err;
}

static int print_losses(const struct trace_check *c)
{
	static const struct column columns[] = {{"lost", COLUMN_RIGHT}, {"reason", COLUMN_LEFT}};
	struct columns t;
	int err = 0;

	columns_init(&t, columns, 2);
	for (size_t i = 0; i < c->losses; i++) {
		columns_u64(&t, c->loss[i].count);
		columns_text(&t, c->loss[i].reason);
	}
	if (c->losses) {
		putchar('\n');
		err = columns_print(&t);
	}
	columns_release(&t);
	return err;
}

static int print_text(const struct trace_check *c, const struct reading *r, bool strict,
		      bool with_file)
{
	bool holds = whole(c, r, strict);
	int err;

	printf("%s%s%s: %" PRIu64 " events: %" PRIu64 " calls begun, %" PRIu64 " ended, %" PRIu64
	       " exceptions, %" PRIu64 " requests, %" PRIu64 " responses",
	       style(stdout, holds ? STYLE_GREEN : STYLE_RED),
	       holds ? "the trace is whole" : "the trace is not whole", style(stdout, STYLE_PLAIN),
	       trace_reader_report(r->reader)->events, c->events[TRACE_ENTER],
	       c->events[TRACE_EXIT], c->events[TRACE_EXCEPTION], c->events[TRACE_HTTP_REQUEST],
	       c->events[TRACE_HTTP_RESPONSE]);
	for (int kind = TRACE_RUNTIME + 1; kind < TRACE_KINDS; kind++)
		if (c->events[kind])
			printf(", %" PRIu64 " %s", c->events[kind], trace_kind_names[kind]);
	if (c->sampled)
		printf(", %" PRIu64 " left out on purpose", c->sampled);
	putchar('\n');
	err = print_findings(c, 0, CHECK_NOTES, "fault", with_file);
	if (!err)
		err = print_findings(c, CHECK_NOTES, CHECK_FINDINGS, "note", with_file);
	return err ? err : print_losses(c);
}

struct checking {
	struct trace_check c;
	int status;
};

static int add_to_check(void *state, const struct trace_event *e, const struct reading *r)
{
	struct checking *k = state;

	return trace_check_add(&k->c, e, trace_reader_file(r->reader),
			       trace_reader_line(r->reader));
}

static int finish_check(void *state)
{
	trace_check_finish(&((struct checking *)state)->c);
	return 0;
}

static int print(void *state, const struct reading *r, const struct arguments *a)
{
	const struct options *o = a->options;
	struct checking *k = state;

	k->status = whole(&k->c, r, o->strict) ? EXIT_DONE : EXIT_OTHER;
	return a->json ? print_json(&k->c, r, o->strict)
		       : print_text(&k->c, r, o->strict, a->noperands > 1);
}

static int run_check(const struct arguments *a)
{
	static const struct reading_steps steps = {add_to_check, finish_check, print};
	const struct options *o = a->options;
	struct checking k = {0};
	struct why w = {0};
	int err = reading_run(&steps, &k, a, o->follow, NULL, &w);

	trace_check_release(&k.c);
	return err ? command_end(err, &w) : k.status;
}

const struct command command_check = {
	.name = "check",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "verify that a trace is complete, balanced and in order",
	.about = "Verifies that every call begins once and ends once, under the same name; that "
		 "its parent is open when it begins; that the lines of each thread are in order; "
		 "that every EXCEPTION is followed by the EXIT of its call, and that every "
		 "response has a request. The status is 0 if all of this is true, else 1, with a "
		 "table of what was found, how often, and in which lines first.\n\nWhat a trace "
		 "itself reports as missing is a note, unless --strict is given: LOST events, by "
		 "reason; calls and requests that did not end; times between two runs of the "
		 "tracer of "
		 "a node.\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_check,
};
