/* SPDX-License-Identifier: MIT */
/*
 * flowctl grep: the lines that match, unchanged, so that the output can be piped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "reading.h"
#include "show_event.h"
#include "select/selection.h"
#include "select/regex.h"

struct options {
	const char *pattern, *where;
	bool ignore_case, fixed, invert, calls, callers, callees, count, pretty, follow;
	uint64_t limit;
};

static const struct command_option rows[] = {
	READING_WHERE(struct options, where),
	{.name = "regexp",
	 .letter = 'e',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, pattern),
	 .value = "PATTERN",
	 .help = "the pattern; all operands are then traces"},
	{.name = "ignore-case",
	 .letter = 'i',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, ignore_case),
	 .help = "ignore the case of letters"},
	{.name = "fixed",
	 .letter = 'F',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, fixed),
	 .help = "the pattern is plain text"},
	{.name = "invert",
	 .letter = 'v',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, invert),
	 .help = "lines that the pattern does not match"},
	{.name = "calls",
	 .letter = 'C',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, calls),
	 .help = "all lines of matching calls"},
	{.name = "with-callers",
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, callers),
	 .help = "also those of the calls around them"},
	{.name = "with-callees",
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, callees),
	 .help = "also those of the calls that they made"},
	{.name = "count",
	 .letter = 'c',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, count),
	 .help = "print only the number of lines"},
	{.name = "pretty",
	 .letter = 'p',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, pretty),
	 .help = "print lines for people instead of JSON"},
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .help = "only the first N lines",
	 .min = 1},
	READING_FOLLOW(struct options, follow),
	{0},
};

struct search {
	const struct arguments *a;
	const struct options *o;
	size_t first; /* operand that is a trace */
	struct trace_regex *regex;
	struct selection kept;
	bool whole_calls;
	uint64_t found;
};

static bool pattern_finds(const struct search *s, const struct trace_event *e)
{
	return !s->regex || trace_regex_matches(s->regex, e->whole.s, e->whole.len) != s->o->invert;
}

static void put_line(struct search *s, const struct trace_event *e)
{
	s->found++;
	if (s->o->count)
		return;
	if (s->o->pretty && !s->a->json) {
		show_event(e);
	} else {
		fwrite(e->whole.s, 1, e->whole.len, stdout);
		putchar('\n');
	}
	if (s->o->follow)
		fflush(stdout);
}

static bool is_enough(const struct search *s)
{
	return (s->o->limit && s->found == s->o->limit) || ferror(stdout);
}

static int open_reading(struct search *s, struct reading *r, struct why *w)
{
	int err = reading_open(r, s->a, s->first, s->o->follow, w);

	if (!err)
		err = reading_where(r, s->o->where, w);
	r->filter.by_line = !s->whole_calls;
	return err;
}

/* The first of two readings: which calls. */
static int find_calls(struct search *s, struct why *w)
{
	struct trace_event e;
	struct reading r;
	int got, err = open_reading(s, &r, w);

	while (!err && (got = reading_next(&r, &e, w)) != 0)
		err = got < 0 ? got : selection_find(&s->kept, &e, pattern_finds(s, &e));
	reading_close(&r);
	return err ? err : selection_found_all(&s->kept);
}

/* 1, 0, -ENOMEM. */
static int is_wanted(struct search *s, const struct trace_event *e)
{
	if (s->whole_calls)
		return selection_has(&s->kept, e, pattern_finds(s, e));
	return !e->left_out && pattern_finds(s, e);
}

static int print_lines(struct search *s, struct reading *r, struct why *w)
{
	struct trace_event e;
	int got = 0, wanted = 0;

	while (!is_enough(s) && wanted >= 0 && (got = reading_next(r, &e, w)) > 0) {
		wanted = is_wanted(s, &e);
		if (wanted > 0)
			put_line(s, &e);
	}
	return got < 0 ? got : wanted < 0 ? wanted : 0;
}

static int print_count(const struct search *s, const struct reading *r)
{
	struct json_out j = {0};

	if (!s->a->json) {
		printf("%" PRIu64 "\n", s->found);
		return 0;
	}
	json_begin(&j, NULL, '{');
	reading_put(&j, r);
	json_u64(&j, "count", s->found);
	json_end(&j, '}');
	return json_print(&j);
}

static int search(struct search *s, struct why *w)
{
	struct reading r = {0};
	int err = s->whole_calls ? find_calls(s, w) : 0;

	if (err)
		return err;
	err = open_reading(s, &r, w);
	if (!err)
		err = print_lines(s, &r, w);
	if (!err && s->o->count)
		err = print_count(s, &r);
	if (!err)
		reading_notes(&r);
	if (!err && s->regex)
		reading_note_given_up(trace_regex_given_up(s->regex));
	reading_close(&r);
	return err;
}

/* What is read twice must be there twice. */
static int check_files(const struct search *s, struct why *w)
{
	struct stat st;

	if (s->o->follow)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"whole calls need the trace to be read twice: omit --follow");
	for (size_t i = s->first; i < s->a->noperands; i++) {
		const char *path = s->a->operand[i];

		if (!strcmp(path, "-") || (!stat(path, &st) && !S_ISREG(st.st_mode)))
			return why(w, -ESPIPE,
				   "whole calls need the trace to be read twice, and %s is not a "
				   "file: save it first",
				   strcmp(path, "-") ? path : "standard input");
	}
	return 0;
}

static int take_pattern(struct search *s, struct why *w)
{
	const char *pattern = s->o->pattern;
	struct trace_regex_fault fault;
	unsigned how = (s->o->ignore_case ? TRACE_REGEX_IGNORE_CASE : 0) |
		       (s->o->fixed ? TRACE_REGEX_LITERAL : 0);
	int err;

	if (!pattern && !s->o->where)
		pattern = s->a->operand[s->first++];
	if (s->first == s->a->noperands)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"missing operand: PATTERN and TRACE..., or --where COND and "
				"TRACE... (see flowctl grep --help)");
	if (!pattern)
		return 0;
	err = trace_regex_new(pattern, strlen(pattern), how, &s->regex, &fault);
	if (err == -EINVAL)
		return why_exit(w, EXIT_USAGE, err, "pattern, column %zu: %s: %s",
				utf8_count(pattern, fault.at) + 1, fault.text, pattern);
	return err ? why(w, err, "out of memory") : 0;
}

static int run_grep(const struct arguments *a)
{
	const struct options *o = a->options;
	struct search s = {.a = a, .o = o};
	struct why w = {0};
	int err;

	s.kept.callers = o->callers;
	s.kept.callees = o->callees;
	s.whole_calls = o->calls || o->callers || o->callees;
	err = take_pattern(&s, &w);
	if (!err && s.whole_calls)
		err = check_files(&s, &w);
	if (!err)
		err = search(&s, &w);
	trace_regex_free(s.regex);
	selection_release(&s.kept);
	return command_end(err, &w);
}

const struct command command_grep = {
	.name = "grep",
	.group = COMMANDS_READ,
	.operands = "[PATTERN] TRACE...",
	.min_operands = 1,
	.summary = "lines that match a pattern or a condition",
	.about =
		"Prints the lines of the trace that PATTERN (a regular expression in Python's "
		"syntax) matches, or that match --where COND, or both. Lines are printed "
		"unchanged, so the output is a trace again. PATTERN is searched for in the raw "
		"line, with its escapes; a condition sees the texts without them.\n\nWith --calls, "
		"--with-callers or --with-callees whole calls are found instead of lines: all "
		"events of a call are considered together, and all of its lines are printed. The "
		"trace is then read twice.\n\n" READING_WHERE_ABOUT "\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_grep,
};
