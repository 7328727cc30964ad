/* SPDX-License-Identifier: MIT */
/*
 * The functions of config.h: a struct config from its defaults to its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parser.h"

#define DEFAULT_OUTPUT "flowtrace.jsonl"

void config_init(struct config *c)
{
	struct parser p = {.c = c};

	memset(c, 0, sizeof(*c));
	layers_read_defaults(&p); /* without memory this fails, and config_parse does it again */
}

void config_release(struct config *c)
{
	for (size_t i = 0; i < option_count; i++)
		option_clear(c, &option_rows[i]);
	rules_release(&c->rules);
}

static bool asked_for(const struct given *given, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++)
		if (given[i].row->at == at)
			return true;
	return false;
}

/* Joins the names that are always redacted with those that the user added. */
static int join_redacted(struct parser *p)
{
	bool off;
	const struct option_row *row = option_of_key("redact", &off);

	snprintf(p->where, sizeof(p->where), "--redact and --redact-only");
	return list_join(p, row, &p->c->redact_only);
}

static int default_output(struct parser *p)
{
	if (p->c->output || p->c->to.count)
		return 0;
	p->c->output = strdup(DEFAULT_OUTPUT);
	return p->c->output ? 0 : parser_no_memory(p);
}

int config_parse(struct config *c, int argc, char **argv, struct why *w)
{
	struct parser p = {.c = c, .w = w};
	struct given *given = calloc((size_t)argc + 1, sizeof(*given));
	size_t count = 0;
	int err;

	if (!given)
		return parser_no_memory(&p);
	err = command_line_split(argc, argv, given, &count, &c->command, w);
	if (err)
		goto out;
	c->help = asked_for(given, count, AT(help));
	c->version = asked_for(given, count, AT(version));
	if (c->help || c->version)
		goto out;
	err = layers_read(&p, given, count);
	if (!err)
		err = join_redacted(&p);
	if (!err)
		err = default_output(&p);
	if (!err && rules_complete(c, &c->rules))
		err = parser_no_memory(&p);
	if (err)
		goto out;
	err = refuse_combinations(c, w);
	if (err)
		goto out;
	if (c->follow < 0)
		c->follow = c->command || c->all;
	if (c->output && !strcmp(c->output, "-"))
		c->to_stdout = false;
out:
	free(given);
	return err;
}
