/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "read/lines.h"

#define FIRST_BYTES (256 * 1024)

int trace_lines_init(struct trace_lines *l, struct trace_input *in, struct why *w)
{
	*l = (struct trace_lines){.in = in, .cap = FIRST_BYTES};
	l->buf = malloc(l->cap);
	return l->buf ? 0 : why(w, -ENOMEM, "out of memory");
}

void trace_lines_release(struct trace_lines *l)
{
	free(l->buf);
}

/* Room after `end`, by moving what is there to the front or by growing. */
static int make_room(struct trace_lines *l, struct why *w)
{
	char *more;

	if (l->start) {
		memmove(l->buf, l->buf + l->start, l->end - l->start);
		l->looked -= l->start;
		l->end -= l->start;
		l->start = 0;
	}
	if (l->end < l->cap)
		return 0;
	more = realloc(l->buf, l->cap * 2);
	if (!more)
		return why(w, -ENOMEM, "out of memory");
	l->buf = more;
	l->cap *= 2;
	return 0;
}

static int read_more(struct trace_lines *l, struct why *w)
{
	ssize_t n;
	int err = make_room(l, w);

	if (err)
		return err;
	n = trace_input_read(l->in, l->buf + l->end, l->cap - l->end, w);
	if (n < 0)
		return (int)n;
	l->end += (size_t)n;
	l->ended = !n;
	return 0;
}

/* The newline that ends the line at `start`; NULL = it is not in the buffer. */
static char *find_newline(struct trace_lines *l)
{
	char *found = memchr(l->buf + l->looked, '\n', l->end - l->looked);

	l->looked = found ? (size_t)(found - l->buf) + 1 : l->end;
	return found;
}

/* Of a line that is too long only the beginning stays. */
static void drop_rest(struct trace_lines *l)
{
	if (l->end - l->start > TRACE_MAX_LINE)
		l->end = l->looked = l->start + TRACE_MAX_LINE + 1;
}

int trace_lines_next(struct trace_lines *l, struct trace_line *ret_line, struct why *w)
{
	char *newline;
	size_t len;

	while (!(newline = find_newline(l)) && !l->ended) {
		int err;

		drop_rest(l);
		err = read_more(l, w);
		if (err)
			return err;
	}
	len = (size_t)(newline ? newline - l->buf : (ptrdiff_t)l->end) - l->start;
	if (!newline && !len)
		return 0;
	l->number++;
	*ret_line = (struct trace_line){
		.s = l->buf + l->start,
		.len = len,
		.torn = !newline,
		.too_long = len > TRACE_MAX_LINE,
	};
	l->start = l->looked;
	return 1;
}
