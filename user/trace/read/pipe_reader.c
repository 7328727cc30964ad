/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "read/pipe_reader.h"

int pipe_reader_init(struct pipe_reader *f)
{
	*f = (struct pipe_reader){.buf = malloc(PIPE_READER_LINE_MAX)};
	return f->buf ? 0 : -ENOMEM;
}

void pipe_reader_release(struct pipe_reader *f)
{
	free(f->buf);
	f->buf = NULL;
}

/* What is left of a line moves to the front. */
static void make_room(struct pipe_reader *f)
{
	if (f->end - f->start == PIPE_READER_LINE_MAX) {
		f->bad += !f->skipping;
		f->skipping = true;
		f->start = f->end;
	}
	memmove(f->buf, f->buf + f->start, f->end - f->start);
	f->end -= f->start;
	f->start = 0;
}

ssize_t pipe_reader_read(struct pipe_reader *f, int fd)
{
	ssize_t got;

	make_room(f);
	got = read(fd, f->buf + f->end, PIPE_READER_LINE_MAX - f->end);
	if (got < 0)
		return -errno;
	f->end += (size_t)got;
	return got;
}

bool pipe_reader_next(struct pipe_reader *f, struct trace_event *ret_event)
{
	char *line, *newline;

	while ((newline = memchr(f->buf + f->start, '\n', f->end - f->start))) {
		struct trace_fault fault;
		enum trace_verdict verdict;

		line = f->buf + f->start;
		f->start = (size_t)(newline - f->buf) + 1;
		if (f->skipping) {
			f->skipping = false;
			continue;
		}
		verdict = trace_parse(line, (size_t)(newline - line), ret_event, &fault);
		if (verdict == TRACE_IS_EVENT)
			return true;
		f->bad += verdict != TRACE_IS_BLANK;
	}
	return false;
}
