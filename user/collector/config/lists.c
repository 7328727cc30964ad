/* SPDX-License-Identifier: MIT */
/*
 * Comma lists of strings and of process ids. A list has each element once.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "config/parser.h"

void strings_release(struct strings *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->at[i]);
	free(s->at);
	*s = (struct strings){0};
}

static int strings_add(struct strings *s, const char *text, size_t len)
{
	char **at = realloc(s->at, (s->count + 1) * sizeof(*at));

	if (!at)
		return -ENOMEM;
	s->at = at;
	at[s->count] = strndup(text, len);
	if (!at[s->count])
		return -ENOMEM;
	s->count++;
	return 0;
}

static int add_string(struct parser *p, const struct option_row *o, const char *text, size_t len)
{
	struct strings *list = option_field(p->c, o);

	if (len > o->max_len)
		return parser_wrong(p, "\"%.*s...\" is longer than %zu bytes, the maximum", 24,
				    text, o->max_len);
	if ((o->flags & FLAG_PLAIN) && memchr(text, '*', len))
		return parser_wrong(p, "\"%.*s\": prefixes are plain text, leave the * out",
				    (int)len, text);
	for (size_t i = 0; i < list->count; i++)
		if (strlen(list->at[i]) == len && !memcmp(list->at[i], text, len))
			return 0;
	if (o->max && list->count == o->max)
		return parser_wrong(p, "more than %llu names, the maximum",
				    (unsigned long long)o->max);
	return strings_add(list, text, len) ? parser_no_memory(p) : 0;
}

static int add_pid(struct parser *p, const char *text, size_t len)
{
	struct config *c = p->c;
	char digits[24];
	uint64_t pid = 0;
	pid_t *pids;

	if (len < sizeof(digits) && strspn(text, "0123456789") >= len) {
		memcpy(digits, text, len);
		digits[len] = 0;
		errno = 0;
		pid = strtoull(digits, NULL, 10);
	}
	if (!pid || errno || pid > INT_MAX)
		return parser_wrong(p, "\"%.*s\" is not a process id", (int)(len < 64 ? len : 64),
				    text);
	for (size_t i = 0; i < c->npids; i++)
		if (c->pids[i] == (pid_t)pid)
			return 0;
	pids = realloc(c->pids, (c->npids + 1) * sizeof(*pids));
	if (!pids)
		return parser_no_memory(p);
	c->pids = pids;
	c->pids[c->npids++] = (pid_t)pid;
	return 0;
}

int list_join(struct parser *p, const struct option_row *o, const struct strings *more)
{
	int err = 0;

	for (size_t i = 0; i < more->count && !err; i++)
		err = add_string(p, o, more->at[i], strlen(more->at[i]));
	return err;
}

int list_add(struct parser *p, const struct option_row *o, const char *text)
{
	while (*text) {
		size_t len, next = strcspn(text, ",");
		const char *start = text;
		int err;

		text += next + (text[next] == ',');
		while (next && isspace((unsigned char)*start))
			start++, next--;
		for (len = next; len && isspace((unsigned char)start[len - 1]);)
			len--;
		if (!len)
			continue;
		err = o->kind == KIND_PIDS ? add_pid(p, start, len) : add_string(p, o, start, len);
		if (err)
			return err;
	}
	return 0;
}
