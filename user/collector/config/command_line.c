/* SPDX-License-Identifier: MIT */
/*
 * getopt's tables, made from the rows, and argv split into options and the command to start.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/parser.h"

/* getopt's val: row number * 2 + off + LONG_BASE for long options, the letter for short ones. */
#define LONG_BASE 256

struct tables {
	char letters[2 * OPTIONS_MAX + 4];
	char names[OPTIONS_MAX][40]; /* "no-x" of switches */
	struct option longs[2 * OPTIONS_MAX + 1];
};

static void make_tables(struct tables *t)
{
	struct option *l = t->longs;
	char *s = t->letters;

	*s++ = '+'; /* stop at the first operand */
	*s++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < option_count; i++) {
		const struct option_row *o = &option_rows[i];
		bool takes_value = !option_is_switch(o) && o->kind != KIND_COUNT;

		if (o->letter)
			*s++ = o->letter;
		if (o->letter && takes_value)
			*s++ = ':';
		*l++ = (struct option){o->name, takes_value ? required_argument : no_argument, NULL,
				       LONG_BASE + (int)i * 2};
		if (!option_is_switch(o) || (o->flags & FLAG_NO_FILE))
			continue;
		snprintf(t->names[i], sizeof(t->names[i]), "no-%s", o->name);
		*l++ = (struct option){t->names[i], no_argument, NULL, LONG_BASE + (int)i * 2 + 1};
	}
	*s = 0;
	*l = (struct option){0};
}

static const struct option_row *option_of_val(int val, bool *ret_off)
{
	*ret_off = val >= LONG_BASE && (val & 1);
	if (val >= LONG_BASE)
		return &option_rows[(val - LONG_BASE) / 2];
	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++)
		if (o->letter && o->letter == val)
			return o;
	return NULL;
}

static int bad_option(char **argv, int val, struct why *w)
{
	bool off;
	const struct option_row *o = option_of_val(optopt, &off);
	const char *word = argv[optind - 1];

	if (val == ':')
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s needs a value (%s)", o->name,
				o->value);
	if (o)
		return why_exit(w, EXIT_USAGE, -EINVAL, "--%s%s takes no value", off ? "no-" : "",
				o->name);
	if (optopt)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"unknown option -%c: see flowtrace-bpf --help", optopt);
	return why_exit(w, EXIT_USAGE, -EINVAL, "unknown option %s: see flowtrace-bpf --help",
			word);
}

int command_line_split(int argc, char **argv, struct given *ret_given, size_t *ret_count,
		       char ***ret_command, struct why *w)
{
	struct tables t;
	size_t count = 0;
	bool separated;

	make_tables(&t);
	opterr = 0;
	optind = 0; /* glibc: start afresh */
	for (;;) {
		int before = optind ? optind : 1;
		int val = getopt_long(argc, argv, t.letters, t.longs, NULL);
		struct given *g = &ret_given[count];

		if (val == -1) {
			separated = optind == before + 1 && !strcmp(argv[before], "--");
			break;
		}
		if (val == '?' || val == ':')
			return bad_option(argv, val, w);
		g->row = option_of_val(val, &g->off);
		g->text = optarg ? optarg : "true";
		count++;
	}
	if (optind < argc && !separated)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"unexpected \"%s\": a program to start goes after --",
				argv[optind]);
	if (separated && optind == argc)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"nothing after --: name the program to start and trace");
	*ret_count = count;
	*ret_command = separated ? argv + optind : NULL;
	return 0;
}
