/* SPDX-License-Identifier: MIT */
/*
 * The text of --help, from the rows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/table.h"

#define HELP_COLUMN 32
#define HELP_WIDTH 80

static void put_wrapped(FILE *f, const char *text, size_t indent, size_t column)
{
	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > HELP_WIDTH) {
			fprintf(f, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', f);
			column++;
		}
		fwrite(text, 1, len, f);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', f);
}

static void put_row(FILE *f, const struct option_row *o)
{
	char flag[96], text[512];
	int len = 0;

	if (o->letter)
		len = snprintf(flag, sizeof(flag), "  -%c, ", o->letter);
	else
		len = snprintf(flag, sizeof(flag), "      ");
	len += snprintf(flag + len, sizeof(flag) - (size_t)len, "--%s%s",
			o->flags & FLAG_SHOW_OFF ? "no-" : "", o->name);
	if (o->flags & FLAG_SHOW_BOTH)
		len += snprintf(flag + len, sizeof(flag) - (size_t)len, ", --no-%s", o->name);
	if (o->value)
		len += snprintf(flag + len, sizeof(flag) - (size_t)len, " %s", o->value);

	if (o->kind == KIND_LIMIT)
		snprintf(text, sizeof(text), "%s; default %s, at most %llu, 0 = the most", o->help,
			 o->initial, (unsigned long long)o->max);
	else if (o->value && o->initial && strcmp(o->initial, "0"))
		snprintf(text, sizeof(text), "%s (default %s)", o->help, o->initial);
	else
		snprintf(text, sizeof(text), "%s", o->help);

	if (len > HELP_COLUMN - 2) {
		fprintf(f, "%s\n", flag);
		len = 0;
		flag[0] = 0;
	}
	fprintf(f, "%-*s", HELP_COLUMN, flag);
	put_wrapped(f, text, HELP_COLUMN, HELP_COLUMN);
}

static void put_statuses(FILE *f)
{
	char text[512];
	size_t len = (size_t)snprintf(text, sizeof(text), "Exit status: ");

	for (const struct exit_row *row = exit_rows; row->help; row++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d %s",
					row == exit_rows ? "" : ", ", row->status, row->help);
	snprintf(text + len, sizeof(text) - len, ".");
	fputc('\n', f);
	put_wrapped(f, text, 0, 0);
}

char *config_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs("Trace every call of a Python program, with its values, from outside the process.\n"
	      "\n"
	      "  flowtrace-bpf [options] --pid PID          attach to a running process\n"
	      "  flowtrace-bpf [options] -- CMD [ARG...]    start a program and trace it\n"
	      "  flowtrace-bpf [options] --replay FILE      render a recording\n"
	      "  flowtrace-bpf [options] --list             say which processes run Python\n",
	      f);
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(f, "\n%s:\n", option_group_titles[group]);
		for (size_t i = 0; i < option_count; i++)
			if ((int)option_rows[i].group == group)
				put_row(f, &option_rows[i]);
	}
	fputs("\n"
	      "Every option is also a key of the configuration file and a variable, FLOWTRACE_ "
	      "and\n"
	      "its name in capitals: --max-depth is FLOWTRACE_MAX_DEPTH",
	      f);
	for (size_t i = 0; i < option_count; i++)
		if (option_rows[i].alias)
			fprintf(f, ",\n--%s is %s or %s", option_rows[i].name, option_rows[i].env,
				option_rows[i].alias);
	fputs(".\n"
	      "Defaults < file < environment < command line. --no-OPTION turns a switch off "
	      "again.\n",
	      f);
	put_statuses(f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
