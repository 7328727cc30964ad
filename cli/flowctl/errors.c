/* SPDX-License-Identifier: MIT */
/*
 * flowctl errors: the exceptions, and where they came up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "columns.h"
#include "describe.h"
#include "reading.h"
#include "analyze/errors.h"

#define GROUPS_ON_TERMINAL 20

struct options {
	uint64_t limit;
	const char *where;
	bool follow;
};

static const struct command_option rows[] = {
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .help = "print only the first N (default: 20 on a terminal, else all)",
	 .min = 1},
	READING_WHERE(struct options, where),
	READING_FOLLOW(struct options, follow),
	{0},
};

static void put_group(struct json_out *j, const struct error_group *g)
{
	json_begin(j, NULL, '{');
	json_text(j, "type", g->type);
	json_text(j, "message", g->message);
	json_u64(j, "count", g->count);
	json_u64(j, "passed", g->passed);
	describe_put_function(j, g->function);
	json_u64(j, "firstTimestamp", g->first_us);
	json_u64(j, "lastTimestamp", g->last_us);
	json_begin(j, "example", '{');
	json_text(j, "args", g->args[0] ? g->args : NULL);
	json_text(j, "thread", g->thread[0] ? g->thread : NULL);
	json_u64(j, "pid", g->pid);
	json_u64(j, "tid", g->tid);
	describe_put_chain(j, "callers", g->chain, g->chain_len);
	json_text(j, "trace", g->file);
	json_u64(j, "traceLine", g->line);
	json_end(j, '}');
	json_end(j, '}');
}

static int print_json(const struct errors *s, const struct reading *r, size_t shown)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	reading_put(&j, r);
	json_u64(&j, "callsLeft", s->calls_left);
	json_u64(&j, "others", s->others);
	json_begin(&j, "errors", '[');
	for (size_t i = 0; i < shown; i++)
		put_group(&j, s->group[i]);
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

static void print_title(const struct error_group *g)
{
	struct buf b = {0};

	if (g->type[0])
		safe_text(&b, g->type, strlen(g->type));
	else
		BUF_LITERAL(&b, "(unknown type)");
	if (g->message[0]) {
		BUF_LITERAL(&b, ": ");
		safe_text(&b, g->message, strlen(g->message));
	}
	printf("%s%" PRIu64 " x %s", style(stdout, STYLE_RED), g->count,
	       style(stdout, STYLE_PLAIN));
	describe_print_cut(b.s, b.len, 16);
	buf_release(&b);
}

static void print_group(const struct error_group *g)
{
	print_title(g);
	printf("    in ");
	describe_print_function(g->function);
	describe_print_field("args", g->args, strlen(g->args));
	printf("    first ");
	describe_print_time(g->first_us);
	describe_print_thread(g->thread, strlen(g->thread), g->pid, g->tid);
	printf(", line %" PRIu64 " of the trace", g->line);
	if (g->passed)
		printf("; left %" PRIu64 " more calls", g->passed);
	putchar('\n');
	describe_print_chain(g->chain, g->chain_len);
}

static int print(void *state, const struct reading *r, const struct arguments *a)
{
	const struct errors *s = state;
	const struct options *o = a->options;
	size_t shown = s->groups;
	uint64_t all = s->others;

	if (o->limit && o->limit < shown)
		shown = o->limit;
	else if (!o->limit && !a->json && terminal_width() && shown > GROUPS_ON_TERMINAL)
		shown = GROUPS_ON_TERMINAL;
	if (a->json)
		return print_json(s, r, shown);
	for (size_t i = 0; i < shown; i++)
		print_group(s->group[i]);
	for (size_t i = 0; i < s->groups; i++)
		all += s->group[i]->count;
	printf("%s%" PRIu64 " exceptions, %zu different ones, left %" PRIu64 " calls\n",
	       shown ? "\n" : "", all, s->groups, s->calls_left);
	if (shown < s->groups)
		printf("%zu more: --limit %zu shows them\n", s->groups - shown, s->groups);
	if (s->others)
		printf("%" PRIu64 " more are not told apart: there are more than %u kinds\n",
		       s->others, ERRORS_MAX);
	return 0;
}

static int add_to_errors(void *s, const struct trace_event *e, const struct reading *r)
{
	return errors_add(s, e, trace_reader_file(r->reader), trace_reader_line(r->reader));
}

static int finish_errors(void *s)
{
	errors_finish(s);
	return 0;
}

static int run_errors(const struct arguments *a)
{
	static const struct reading_steps steps = {add_to_errors, finish_errors, print};
	const struct options *o = a->options;
	struct errors s = {0};
	struct why w = {0};
	int err = reading_run(&steps, &s, a, o->follow, o->where, &w);

	errors_release(&s);
	return command_end(err, &w);
}

const struct command command_errors = {
	.name = "errors",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "exceptions grouped by type, message and origin",
	.about = "Exceptions of the same type and message raised in the same function are one row: "
		 "how many there were, how many more calls they left on their way up, and the "
		 "first of them with its arguments and its callers. An exception that passes "
		 "through several calls counts once, where it was raised.\n\n" READING_WHERE_COUNTS
		 "\n\n" READING_WHERE_ABOUT "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_errors,
};
