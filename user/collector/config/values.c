/* SPDX-License-Identifier: MIT */
/*
 * Text to the field of a row, for each kind of value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/parser.h"

void option_clear(struct config *c, const struct option_row *o)
{
	void *at = option_field(c, o);

	switch (o->kind) {
	case KIND_SWITCH:
		*(bool *)at = false;
		break;
	case KIND_MAYBE:
		*(int *)at = -1;
		break;
	case KIND_COUNT:
		*(int *)at = 0;
		break;
	case KIND_LIMIT:
		*(unsigned *)at = 0;
		break;
	case KIND_NUMBER:
	case KIND_SIZE:
		*(uint64_t *)at = 0;
		break;
	case KIND_ROTATE:
		*(struct rotate *)at = (struct rotate){};
		break;
	case KIND_SECONDS:
		*(double *)at = 0;
		break;
	case KIND_TEXT:
	case KIND_CHOICE:
		free(*(char **)at);
		*(char **)at = NULL;
		break;
	case KIND_LIST:
		strings_release(at);
		break;
	case KIND_PIDS:
		free(c->pids);
		c->pids = NULL;
		c->npids = 0;
		break;
	}
}

static int set_text(struct parser *p, const struct option_row *o, const char *text)
{
	char **at = option_field(p->c, o);
	char *copy;

	if (!*text)
		return parser_wrong(p, "needs %s", o->needs ?: "the name of a file");
	copy = strdup(text);
	if (!copy)
		return parser_no_memory(p);
	free(*at);
	*at = copy;
	return 0;
}

static int set_choice(struct parser *p, const struct option_row *o, const char *text)
{
	size_t len = strlen(text);

	for (const char *word = o->value; word; word = strchr(word, '|')) {
		word += *word == '|';
		if (len && len == strcspn(word, "|") && !strncmp(word, text, len))
			return set_text(p, o, text);
	}
	return parser_wrong(p, "\"%s\" is not one of %s", text, o->value);
}

int option_set(struct parser *p, const struct option_row *o, bool off, const char *text)
{
	void *at = option_field(p->c, o);
	uint64_t count;
	bool on;
	int err;

	option_begin(p, o);
	switch (o->kind) {
	case KIND_SWITCH:
	case KIND_MAYBE:
		if (!parse_truth(text, &on))
			return parser_wrong(p, "\"%s\" is neither true nor false", text);
		if (o->kind == KIND_SWITCH)
			*(bool *)at = on != off;
		else
			*(int *)at = on != off;
		return 0;
	case KIND_COUNT:
		if (parse_truth(text, &on)) {
			*(int *)at += on;
			return 0;
		}
		err = parse_number(p, text, o->max, &count);
		if (!err)
			*(int *)at = (int)count;
		return err;
	case KIND_LIMIT:
		return parse_limit(p, o, text, at);
	case KIND_NUMBER:
		return parse_number(p, text, o->max, at);
	case KIND_SECONDS:
		return parse_seconds(p, text, at);
	case KIND_SIZE:
		return parse_size(p, o, text, at);
	case KIND_ROTATE:
		return parse_rotate(p, text, at);
	case KIND_TEXT:
		return set_text(p, o, text);
	case KIND_CHOICE:
		return set_choice(p, o, text);
	case KIND_LIST:
	case KIND_PIDS:
		return list_add(p, o, text);
	}
	return -EINVAL;
}
