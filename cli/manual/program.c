/* SPDX-License-Identifier: MIT */
/*
 * From the two tables to one form.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "config/table.h"
#include "manual.h"

static void *make(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size);

	if (!p)
		abort();
	return p;
}

void each_word(const char *words, void (*fn)(void *arg, const char *word, size_t len), void *arg)
{
	while (*words) {
		size_t len = strcspn(words, "|");

		fn(arg, words, len);
		words += len + (words[len] == '|');
	}
}

/* The word for a value in the help also says what it is. */
static enum expects expects_of(const char *value)
{
	if (!value)
		return EXPECTS_NOTHING;
	if (strstr(value, "COMMAND"))
		return EXPECTS_COMMAND;
	if (strstr(value, "PID"))
		return EXPECTS_PID;
	if (strstr(value, "DIR"))
		return EXPECTS_FOLDER;
	if (strstr(value, "FILE") || strstr(value, "TRACE") || strstr(value, "PATH") ||
	    strstr(value, "EXE"))
		return EXPECTS_FILE;
	return EXPECTS_TEXT;
}

/* ---- flowtrace-bpf ----------------------------------------------------------------------- */

static struct option from_row(const struct option_row *row)
{
	bool both = row->flags & FLAG_SHOW_BOTH, off = row->flags & FLAG_SHOW_OFF;
	struct option o = {
		.name = row->name,
		.letter = row->letter,
		.value = row->value,
		.help = row->help,
		.expects = expects_of(row->value),
		.on = !off,
		.off = off || both,
		.can_be_off = option_is_switch(row),
		.max = row->kind == KIND_LIMIT ? row->max : 0,
		.env = row->flags & FLAG_NO_ENV ? NULL : row->env,
		.alias = row->alias,
		.key = row->flags & FLAG_NO_FILE ? NULL : row->name,
		.group = (int)row->group,
	};

	if (row->value && row->initial && strcmp(row->initial, "0"))
		o.initial = row->initial;
	if (row->kind == KIND_CHOICE) {
		o.words = row->value;
		o.expects = EXPECTS_WORD;
	}
	return o;
}

const struct program *program_flowtrace_bpf(void)
{
	static struct program p = {.name = "flowtrace-bpf",
				   .summary = "trace every call of a running Python program"};

	if (p.command)
		return &p;
	p.command = make(1, sizeof(*p.command));
	p.commands = 1;
	p.command->expects = EXPECTS_PROGRAM;
	p.command->option = make(option_count, sizeof(*p.command->option));
	p.command->options = option_count;
	for (size_t i = 0; i < option_count; i++)
		p.command->option[i] = from_row(&option_rows[i]);
	return &p;
}

/* ---- flowctl ------------------------------------------------------------------------------ */

static struct option from_command_option(const struct command_option *row)
{
	struct option o = {
		.name = row->name,
		.letter = row->letter,
		.value = row->value,
		.help = row->help,
		.initial = row->initial,
		.expects = expects_of(row->value),
		.on = true,
	};

	if (row->kind == VALUE_CHOICE) {
		o.words = row->value;
		o.value = "WORD";
		o.expects = EXPECTS_WORD;
	}
	return o;
}

static struct command_page from_command(const struct command *c)
{
	struct command_page page = {
		.name = c->name,
		.summary = c->summary,
		.operands = c->operands,
		.about = c->about,
		.expects = expects_of(c->operands),
	};

	if (page.expects == EXPECTS_TEXT) /* such as A B: traces */
		page.expects = EXPECTS_FILE;
	for (const struct command_option *o = option_first(c); o; o = option_next(c, o))
		page.options++;
	page.option = make(page.options, sizeof(*page.option));
	page.options = 0;
	for (const struct command_option *o = option_first(c); o; o = option_next(c, o))
		page.option[page.options++] = from_command_option(o);
	return page;
}

const struct program *program_flowctl(void)
{
	static struct program p = {.name = "flowctl",
				   .summary =
					   "read traces, and instrument Python code for tracing"};

	if (p.command)
		return &p;
	while (commands[p.commands])
		p.commands++;
	p.command = make(p.commands, sizeof(*p.command));
	for (size_t i = 0; i < p.commands; i++)
		p.command[i] = from_command(commands[i]);
	return &p;
}
