/* SPDX-License-Identifier: MIT */
/*
 * Events out of a pipe that the caller polls: bytes are read when there are some, lines that are
 * whole are taken apart. A line that is not an event, or too long, is counted and skipped.
 */
#ifndef FT_TRACE_PIPE_READER_H
#define FT_TRACE_PIPE_READER_H

#include <sys/types.h>

#include "read/parse.h"

#define PIPE_READER_LINE_MAX (1u << 20)

struct pipe_reader {
	char *buf; /* owned; PIPE_READER_LINE_MAX bytes */
	size_t start, end;
	bool skipping; /* the rest of a line that was too long */
	uint64_t bad;
};

/* 0 or -ENOMEM. */
int pipe_reader_init(struct pipe_reader *f);
void pipe_reader_release(struct pipe_reader *f);
/* Reads once; what read(2) returns, or -errno. All events must have been taken before. */
ssize_t pipe_reader_read(struct pipe_reader *f, int fd);
/* Is there another event? It lives until pipe_reader_read(). */
bool pipe_reader_next(struct pipe_reader *f, struct trace_event *ret_event);

#endif
