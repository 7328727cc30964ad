/* SPDX-License-Identifier: MIT */
/*
 * The layers and their order: defaults, file, environment, command line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/parser.h"

int layers_read_defaults(struct parser *p)
{
	int err;

	p->layer = LAYER_DEFAULT;
	for (const struct option_row *o = option_rows; o < option_rows + option_count; o++) {
		snprintf(p->where, sizeof(p->where), "default of --%s", o->name);
		option_clear(p->c, o);
		err = o->initial ? option_set(p, o, false, o->initial) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int read_variable(struct parser *p, const struct option_row *o, const char *name, bool off,
			 bool *ret_found)
{
	const char *text = getenv(name);

	if (!text || !*text) /* an empty variable counts as unset */
		return 0;
	*ret_found = true;
	snprintf(p->where, sizeof(p->where), "%s", name);
	return option_set(p, o, off, text);
}

static int read_environment(struct parser *p)
{
	char negative[64];
	int err = 0;

	p->layer = LAYER_ENV;
	for (const struct option_row *o = option_rows; !err && o < option_rows + option_count;
	     o++) {
		bool found = false;

		if (o->flags & FLAG_NO_ENV)
			continue;
		err = read_variable(p, o, o->env, false, &found);
		if (!err && !found && o->alias)
			err = read_variable(p, o, o->alias, false, &found);
		if (!err && !found && option_is_switch(o)) {
			snprintf(negative, sizeof(negative), "FLOWTRACE_NO_%s",
				 o->env + strlen("FLOWTRACE_"));
			err = read_variable(p, o, negative, true, &found);
		}
	}
	return err;
}

static int read_command_line(struct parser *p, const struct given *given, size_t count)
{
	int err = 0;

	p->layer = LAYER_COMMAND_LINE;
	for (size_t i = 0; !err && i < count; i++) {
		snprintf(p->where, sizeof(p->where), "--%s%s", given[i].off ? "no-" : "",
			 given[i].row->name);
		err = option_set(p, given[i].row, given[i].off, given[i].text);
	}
	if (!err && p->c->command && p->targets_by < p->layer) {
		/* -- CMD is a target too */
		for (size_t i = 0; i < option_count; i++)
			if (option_rows[i].flags & FLAG_TARGET)
				option_clear(p->c, &option_rows[i]);
	}
	return err;
}

static const char *config_path(const struct given *given, size_t count)
{
	const char *path = getenv("FLOWTRACE_CONFIG");

	for (size_t i = 0; i < count; i++)
		if (given[i].row->at == AT(config_file))
			path = given[i].text;
	return path && *path ? path : NULL;
}

int layers_read(struct parser *p, const struct given *given, size_t count)
{
	const char *path = config_path(given, count);
	int err;

	err = layers_read_defaults(p);
	if (!err && path)
		err = config_file_read(p, path);
	if (!err)
		err = read_environment(p);
	if (!err)
		err = read_command_line(p, given, count);
	return err;
}
