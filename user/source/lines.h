/* SPDX-License-Identifier: MIT */
/*
 * A file's bytes as the lines that Python counts: ended by \n, \r\n or \r. A byte order mark
 * belongs to no line, so that what is put above the first line comes after it.
 */
#ifndef FT_LINES_H
#define FT_LINES_H

#include <stddef.h>

struct lines {
	const char *s; /* borrowed */
	size_t *start; /* owned: count + 1 offsets; the last is the end of the file */
	size_t count;
};

/* 0 or -ENOMEM. */
int lines_init(struct lines *l, const char *s, size_t len);
void lines_release(struct lines *l);

/* Lines count from 1, as Python's do; `line` is one of them. */

static inline size_t line_start(const struct lines *l, size_t line)
{
	return l->start[line - 1];
}

static inline size_t line_end(const struct lines *l, size_t line)
{
	return l->start[line];
}

/* How many bytes of blank there are before its first word. */
size_t line_indent(const struct lines *l, size_t line);
/* How the line ends: "\n", "\r\n", "\r"; the last one as the one before it does. */
const char *line_ending(const struct lines *l, size_t line);

#endif
