/* SPDX-License-Identifier: MIT */
/* flowctl: finds the command, prints help and errors, gives the exit status. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "flowctl/command.h"
#include "standard.h"
#include "terminal.h"

static const char *next_command(void *arg)
{
	const struct command *const **c = arg;

	return **c ? (*(*c)++)->name : NULL;
}

static int unknown(const char *word)
{
	const struct command *const *c = commands;
	const char *near = suggestion(word, next_command, &c);
	struct why w = {0};

	if (word[0] == '-')
		why_exit(&w, EXIT_USAGE, -EINVAL, "unknown option %s (see flowctl help)", word);
	else if (near)
		why_exit(&w, EXIT_USAGE, -EINVAL, "unknown command \"%s\": did you mean %s?", word,
			 near);
	else
		why_exit(&w, EXIT_USAGE, -EINVAL, "unknown command \"%s\" (see flowctl help)",
			 word);
	return command_fail(&w);
}

static const struct command *find(const char *word)
{
	if (!strcmp(word, "--help") || !strcmp(word, "-h"))
		return command_find("help");
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return command_find("version");
	return command_find(word);
}

static int run_command(const struct command *c, int argc, char **argv)
{
	struct arguments a;
	struct why w = {0};
	int status = EXIT_DONE;

	if (arguments_parse(&a, c, argc, argv, &w))
		status = command_fail(&w);
	else if (a.help)
		help_print_command(c);
	else
		status = c->run(&a);
	arguments_release(&a);
	return status;
}

/* What was printed must have arrived. */
static int end_with(int status)
{
	struct why w = {0};

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	why(&w, -EIO, "cannot write standard output: %s", strerror(errno));
	return command_fail(&w);
}

int main(int argc, char **argv)
{
	const struct command *c;

	standard_open();
	terminal_guard();
	setlocale(LC_CTYPE, "C.UTF-8"); /* for wcwidth() */
	if (argc < 2) {
		struct why w = {0};

		why_exit(&w, EXIT_USAGE, -EINVAL, "missing command (see flowctl help)");
		return command_fail(&w);
	}
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	return end_with(run_command(c, argc - 1, argv + 1));
}
