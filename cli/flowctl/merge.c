/* SPDX-License-Identifier: MIT */
/*
 * flowctl merge: the traces of several processes or runs as one.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "reading.h"
#include "analyze/merge.h"
#include "read/trace_output.h"
#include "terminal.h"

#define PROGRESS_EVERY 16384 /* lines, a power of two */

struct options {
	const char *output;
};

static const struct command_option rows[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, output),
	 .value = "FILE",
	 .initial = "-",
	 .help = "write to FILE; a name in .gz or .zst is packed, - is standard output"},
	{0},
};

static double progress_of(const struct merge *m)
{
	double sum = 0;

	for (size_t i = 0; i < m->inputs; i++) {
		double part = trace_reader_progress(m->input[i].reader);

		if (part < 0)
			return -1;
		sum += part;
	}
	return sum / (double)m->inputs;
}

static int copy(struct merge *m, struct trace_output *o, const volatile sig_atomic_t *interrupted,
		uint64_t *ret_lines, struct why *w)
{
	struct progress progress;
	struct trace_text line;
	int got, err = 0;

	progress_start(&progress);
	while (!err && !*interrupted && (got = merge_next(m, &line, w)) != 0) {
		if (got < 0) {
			err = got;
		} else {
			err = trace_output_put(o, line.s, line.len, w);
			err = err ? err : trace_output_put(o, "\n", 1, w);
		}
		if (!(++*ret_lines & (PROGRESS_EVERY - 1)))
			progress_show(&progress, progress_of(m), *ret_lines);
	}
	progress_clear(&progress);
	if (*interrupted)
		err = why(w, -EINTR, "interrupted: the output is incomplete");
	return err ? err : trace_output_finish(o, w);
}

/* What each reader has to say. */
static void print_notes(const struct merge *m)
{
	for (size_t i = 0; i < m->inputs; i++) {
		struct reading r = {.reader = m->input[i].reader};

		reading_notes(&r);
	}
}

static int print_json(const struct merge *m, const char *output, uint64_t lines)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_text(&j, "output", output);
	json_u64(&j, "linesWritten", lines);
	json_begin(&j, "inputs", '[');
	for (size_t i = 0; i < m->inputs; i++) {
		struct reading r = {.reader = m->input[i].reader};

		json_begin(&j, NULL, '{');
		json_text(&j, "trace", trace_reader_file(r.reader));
		reading_put(&j, &r);
		json_end(&j, '}');
	}
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

static int print(const struct merge *m, const struct arguments *a, uint64_t lines)
{
	const struct options *o = a->options;

	print_notes(m);
	if (!strcmp(o->output, "-"))
		return 0;
	if (a->json)
		return print_json(m, o->output, lines);
	terminal_line(stdout, "%" PRIu64 " lines of %zu traces are in %s", lines, m->inputs,
		      o->output);
	return 0;
}

/* Standard input can be read once only. */
static int check_inputs(const struct arguments *a, struct why *w)
{
	const struct options *o = a->options;
	size_t standard = 0;

	for (size_t i = 0; i < a->noperands; i++)
		standard += !strcmp(a->operand[i], "-");
	if (standard > 1)
		return why_exit(w, EXIT_USAGE, -EINVAL, "standard input (-) is named twice");
	if (a->json && !strcmp(o->output, "-"))
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--json needs -o FILE: the trace itself goes to standard output");
	return 0;
}

static int run_merge(const struct arguments *a)
{
	const struct options *o = a->options;
	struct trace_input_options input = {0};
	struct trace_output *output = NULL;
	struct merge m = {0};
	struct why w = {0};
	uint64_t lines = 0;
	int err = check_inputs(a, &w);

	input.stop = reading_catch_interrupt(); /* so that a half file does not stay */
	if (!err)
		err = merge_open(&m, a->operand, a->noperands, &input, &w);
	if (!err)
		err = trace_output_open(o->output, &output, &w);
	if (!err)
		err = copy(&m, output, input.stop, &lines, &w);
	if (!err)
		err = print(&m, a, lines);
	trace_output_free(output);
	merge_release(&m);
	return command_end(err, &w);
}

const struct command command_merge = {
	.name = "merge",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "merge the traces of several processes or runs, by time",
	.about = "Writes the lines of all traces in the order of their timestamps. Lines of one "
		 "trace keep their order. Memory use is independent of the size of the traces, "
		 "except for one bit per call. Traces that begin the same call (the same span), as "
		 "copies do, are refused. Lines that are not events are left out. FILE is replaced "
		 "only when the output is complete.\n\nThe parts of a rotated log need no merging: "
		 "every command reads several files one after another.\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_merge,
};
