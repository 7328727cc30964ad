/* SPDX-License-Identifier: MIT */
/*
 * The texts of help, from the tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "terminal.h"

#define COMMAND_COLUMN 16
#define OPTION_COLUMN 26
#define HELP_WIDTH 80

/* Words of `text` from `column` on; a "\n" in it ends a line. Ends the last line. */
static void put_wrapped(const char *text, size_t indent, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " \n");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, len, stdout);
		column += len;
		text += len;
		if (*text == '\n') {
			printf("\n%*s", (int)indent, "");
			column = indent;
		}
		text += *text != 0;
	}
	putchar('\n');
}

static void put_title(const char *title)
{
	printf("\n%s%s:%s\n", style(stdout, STYLE_BOLD), title, style(stdout, STYLE_PLAIN));
}

/* "what comes first: self, total (default self)" */
static void describe_choice(char *to, size_t size, const struct command_option *o)
{
	size_t len = (size_t)snprintf(to, size, "%s: ", o->help);

	for (const char *c = o->value; *c && len + 3 < size; c++) {
		to[len++] = *c == '|' ? ',' : *c;
		if (*c == '|')
			to[len++] = ' ';
	}
	snprintf(to + len, size - len, " (default %s)", o->initial);
}

static void put_option(const struct command_option *o)
{
	char flag[128], text[512];
	int len;

	if (o->letter)
		len = snprintf(flag, sizeof(flag), "  -%c, --%s", o->letter, o->name);
	else
		len = snprintf(flag, sizeof(flag), "      --%s", o->name);
	if (o->value && o->kind != VALUE_CHOICE)
		len += snprintf(flag + len, sizeof(flag) - (size_t)len, " %s", o->value);
	if (o->kind == VALUE_CHOICE)
		describe_choice(text, sizeof(text), o);
	else if (o->initial)
		snprintf(text, sizeof(text), "%s (default %s)", o->help, o->initial);
	else
		snprintf(text, sizeof(text), "%s", o->help);
	if (len > OPTION_COLUMN - 2)
		printf("%s\n%*s", flag, OPTION_COLUMN, "");
	else
		printf("%-*s", OPTION_COLUMN, flag);
	put_wrapped(text, OPTION_COLUMN, OPTION_COLUMN);
}

void help_print_command(const struct command *c)
{
	printf("flowctl %s [options]%s%s\n\n", c->name, c->operands ? " " : "",
	       c->operands ? c->operands : "");
	put_wrapped(c->about ? c->about : c->summary, 0, 0);
	put_title("Options");
	for (const struct command_option *o = option_first(c); o; o = option_next(c, o))
		put_option(o);
}

void help_print(void)
{
	puts("Read traces, and instrument Python code for tracing.\n\n  flowctl COMMAND [options] "
	     "[OPERAND...]\n  flowctl COMMAND --help");
	for (int group = 0; group < COMMAND_GROUPS; group++) {
		bool titled = false;

		for (const struct command *const *c = commands; *c; c++) {
			if ((int)(*c)->group != group)
				continue;
			if (!titled)
				put_title(command_group_titles[group]);
			titled = true;
			printf("  %-*s", COMMAND_COLUMN - 2, (*c)->name);
			put_wrapped((*c)->summary, COMMAND_COLUMN, COMMAND_COLUMN);
		}
	}
	puts("\n"
	     "Every command has --json. Exit status: 0 done, 1 bad input or other failure, 2 "
	     "wrong\n"
	     "usage.");
}

static int run_help(const struct arguments *a)
{
	const struct command *c;
	struct why w = {0};

	if (!a->noperands) {
		help_print();
		return EXIT_DONE;
	}
	c = command_find(a->operand[0]);
	if (!c) {
		why_exit(&w, EXIT_USAGE, -EINVAL, "unknown command \"%s\" (see flowctl help)",
			 a->operand[0]);
		return command_fail(&w);
	}
	help_print_command(c);
	return EXIT_DONE;
}

const struct command command_help = {
	.name = "help",
	.group = COMMANDS_OTHER,
	.operands = "[COMMAND]",
	.max_operands = 1,
	.summary = "list the commands, or show how one is used",
	.run = run_help,
};
