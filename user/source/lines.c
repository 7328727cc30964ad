/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "source/lines.h"

#define BOM "\xef\xbb\xbf"

/* The end of the line that begins at `at`. */
static size_t next_line(const char *s, size_t len, size_t at)
{
	while (at < len && s[at] != '\n' && s[at] != '\r')
		at++;
	if (at + 1 < len && s[at] == '\r' && s[at + 1] == '\n')
		at++;
	return at < len ? at + 1 : len;
}

int lines_init(struct lines *l, const char *s, size_t len)
{
	size_t first = len >= 3 && !memcmp(s, BOM, 3) ? 3 : 0, count = 0;

	for (size_t at = first; at < len; at = next_line(s, len, at))
		count++;
	*l = (struct lines){.s = s, .count = count};
	l->start = calloc(count + 1, sizeof(*l->start));
	if (!l->start)
		return -ENOMEM;
	l->start[0] = first;
	for (size_t i = 0; i < count; i++)
		l->start[i + 1] = next_line(s, len, l->start[i]);
	return 0;
}

void lines_release(struct lines *l)
{
	free(l->start);
	memset(l, 0, sizeof(*l));
}

size_t line_indent(const struct lines *l, size_t line)
{
	size_t at = line_start(l, line), end = line_end(l, line);

	while (at < end && (l->s[at] == ' ' || l->s[at] == '\t' || l->s[at] == '\f'))
		at++;
	return at - line_start(l, line);
}

const char *line_ending(const struct lines *l, size_t line)
{
	for (; line; line--) {
		size_t start = line_start(l, line), end = line_end(l, line);

		if (end > start && l->s[end - 1] == '\r')
			return "\r";
		if (end > start && l->s[end - 1] == '\n')
			return end - start > 1 && l->s[end - 2] == '\r' ? "\r\n" : "\n";
	}
	return "\n";
}
