/* SPDX-License-Identifier: MIT */
/*
 * flowctl export: a trace for other programs.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "export/export.h"
#include "output.h"
#include "reading.h"
#include "terminal.h"

struct options {
	int to;
	const char *output;
	bool follow;
};

/* In the order of the words of --to. */
static const struct export_format *const formats[] = {
	&export_chrome,
	&export_speedscope,
	&export_folded,
	&export_csv,
};

static const struct command_option rows[] = {
	{.name = "to",
	 .letter = 't',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, to),
	 .value = "chrome|speedscope|folded|csv",
	 .initial = "chrome",
	 .help = "the format"},
	{.name = "output",
	 .letter = 'o',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, output),
	 .value = "FILE",
	 .initial = "-",
	 .help = "write to FILE; - is standard output"},
	READING_FOLLOW(struct options, follow),
	{0},
};

static int copy(const struct export_format *format, void *state, struct reading *r, struct why *w)
{
	struct trace_event e;
	int got = 0, err = 0;

	while (!err && (got = reading_next(r, &e, w)) > 0)
		err = format->add(state, &e, w);
	return got < 0 ? got : err;
}

static void say(const char *what, uint64_t count)
{
	if (count)
		terminal_line(stderr, "flowctl: %" PRIu64 " %s", count, what);
}

static void say_notes(const struct export_notes *n)
{
	if (!n->calls)
		terminal_line(stderr, "flowctl: the output has no call of this trace");
	say("calls began before the trace and are left out", n->unopened);
	say("calls did not end: in the output they last as long as the trace", n->unfinished);
	say("calls are too deep: their time is counted for a caller", n->deepest);
}

static int print_json(const struct export_notes *n, const char *format, const char *output,
		      const struct reading *r)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_text(&j, "format", format);
	json_text(&j, "output", output);
	reading_put(&j, r);
	json_u64(&j, "calls", n->calls);
	json_u64(&j, "withoutEnter", n->unopened);
	json_u64(&j, "unfinished", n->unfinished);
	json_u64(&j, "tooDeep", n->deepest);
	json_end(&j, '}');
	return json_print(&j);
}

static int convert(const struct export_format *format, struct export_to *to, struct reading *r,
		   const char *title, struct export_notes *ret_notes, struct why *w)
{
	void *state = NULL;
	int err = format->start(to, title, &state, w);

	if (!err)
		err = copy(format, state, r, w);
	if (!err)
		err = format->finish(state, ret_notes, w);
	format->stop(state);
	return err;
}

static int check_usage(const struct arguments *a, struct why *w)
{
	const struct options *o = a->options;

	if (a->json && !strcmp(o->output, "-"))
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--json needs -o FILE: the output itself goes to standard output");
	return 0;
}

static int run_checked(const struct arguments *a, struct reading *r, struct output *out,
		       struct why *w)
{
	const struct options *o = a->options;
	const struct export_format *format = formats[o->to];
	struct export_notes notes = {0};
	struct export_to to = {.fd = out->fd, .name = out->name};
	int err = convert(format, &to, r, a->operand[0], &notes, w);

	buf_release(&to.b);
	if (err)
		return err;
	reading_notes(r);
	if (a->json)
		return print_json(&notes, format->name, o->output, r);
	say_notes(&notes);
	return 0;
}

static int run_export(const struct arguments *a)
{
	const struct options *o = a->options;
	struct output out = {.fd = -1};
	struct reading r = {0};
	struct why w = {0};
	int err = check_usage(a, &w);

	if (!err)
		err = reading_open(&r, a, 0, o->follow, &w);
	if (!err)
		err = output_open(&out, o->output, a, &w);
	if (!err)
		err = run_checked(a, &r, &out, &w);
	err = output_close(&out, err, &w);
	reading_close(&r);
	return command_end(err, &w);
}

const struct command command_export = {
	.name = "export",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "convert a trace for other programs: Perfetto, speedscope, flame graphs, tables",
	.about = "chrome: Chrome's Trace Event Format, for ui.perfetto.dev and chrome://tracing. "
		 "Calls are on the track of their thread, with arguments and results. A suspended "
		 "generator or coroutine appears as separate slices, one for each period in which "
		 "it was seen running, and from beginning to end on a track of its own, as HTTP "
		 "requests do.\n\nspeedscope: for speedscope.app, a profile for each thread. Needs "
		 "a temporary file.\n\nfolded: one line for each stack with the self time of its "
		 "last call in microseconds, for flamegraph.pl and similar tools.\n\ncsv: one row "
		 "for each call that ended.\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_export,
};
