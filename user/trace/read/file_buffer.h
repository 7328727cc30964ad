/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file as they lie there, through one buffer.
 */
#ifndef FT_TRACE_RAW_H
#define FT_TRACE_RAW_H

#include "read/input.h"

struct raw {
	const char *name; /* borrowed */
	int fd;
	bool regular, ended;
	const struct trace_input_options *options;
	uint64_t offset, size;
	char *buf;	   /* owned; RAW_BYTES of them */
	size_t start, len; /* what is not taken yet */
};

#define RAW_BYTES (256 * 1024)

int raw_open(struct raw *r, const char *path, const struct trace_input_options *o, struct why *w);
void raw_release(struct raw *r);
/* From the file past the buffer, which must be empty. 0 at the end, -errno. */
ssize_t raw_read(struct raw *r, char *p, size_t size, struct why *w);
/* Sees to it that `want` bytes are in the buffer, fewer only at the end. 0 or -errno. */
int raw_fill(struct raw *r, size_t want, struct why *w);

#endif
