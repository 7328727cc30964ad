/* SPDX-License-Identifier: MIT */
/*
 * Bytes to lines, through one buffer that is as large as the longest line needs.
 *
 *     buf:  [ taken | start .. looked at .. | not looked at .. end | free ]
 */
#ifndef FT_TRACE_LINES_H
#define FT_TRACE_LINES_H

#include "read/input.h"

/* Longer ones are skipped, and reported as too long. */
#define TRACE_MAX_LINE (16u << 20)

struct trace_lines {
	struct trace_input *in; /* borrowed */
	char *buf;		/* owned */
	size_t cap, start, looked, end;
	uint64_t number; /* of the line given last, from 1 */
	bool ended;
};

struct trace_line {
	const char *s; /* until the next line is asked for */
	size_t len;
	bool torn;     /* the last one, and no newline after it */
	bool too_long; /* s is only its beginning */
};

int trace_lines_init(struct trace_lines *l, struct trace_input *in, struct why *w);
void trace_lines_release(struct trace_lines *l);
/* 1 with a line, without its newline; 0 at the end; -errno. */
int trace_lines_next(struct trace_lines *l, struct trace_line *ret_line, struct why *w);

#endif
