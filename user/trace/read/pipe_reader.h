/* SPDX-License-Identifier: MIT */
/*
 * Events out of a pipe that somebody polls: bytes are read when there are some, lines that are
 * whole are taken apart. A line that is no event, or too long, is counted and passed over.
 */
#ifndef FT_TRACE_FEED_H
#define FT_TRACE_FEED_H

#include <sys/types.h>

#include "read/parse.h"

#define FEED_MOST_LINE (1u << 20)

struct feed {
	char *buf; /* owned; FEED_MOST_LINE bytes */
	size_t start, end;
	bool skipping; /* the rest of a line that was too long */
	uint64_t bad;
};

/* 0 or -ENOMEM. */
int feed_init(struct feed *f);
void feed_release(struct feed *f);
/* Reads once; what read(2) returns, or -errno. All events must have been taken before. */
ssize_t feed_read(struct feed *f, int fd);
/* Is there another event? It lives until feed_read(). */
bool feed_next(struct feed *f, struct trace_event *ret_event);

#endif
