/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file as they lie there, through one buffer.
 */
#ifndef FT_TRACE_FILE_BUFFER_H
#define FT_TRACE_FILE_BUFFER_H

#include "read/input.h"

struct file_buffer {
	const char *name; /* borrowed */
	int fd;
	bool regular, ended;
	const struct trace_input_options *options;
	uint64_t offset, size;
	char *buf;	   /* owned; FILE_BUFFER_BYTES of them */
	size_t start, len; /* what is not taken yet */
};

#define FILE_BUFFER_BYTES (256 * 1024)

int file_buffer_open(struct file_buffer *r, const char *path, const struct trace_input_options *o,
		     struct why *w);
void file_buffer_release(struct file_buffer *r);
/* From the file past the buffer, which must be empty. 0 at the end, -errno. */
ssize_t file_buffer_read(struct file_buffer *r, char *p, size_t size, struct why *w);
/* Sees to it that `want` bytes are in the buffer, fewer only at the end. 0 or -errno. */
int file_buffer_fill(struct file_buffer *r, size_t want, struct why *w);

#endif
