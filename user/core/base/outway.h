/* SPDX-License-Identifier: MIT */
/*
 * One write to a descriptor that may never take another byte (a FIFO, a pipe, a terminal, a
 * socket): how much is written at once, and without blocking (outlet.h says why).
 */
#ifndef FT_OUTWAY_H
#define FT_OUTWAY_H

#include <stddef.h>
#include <sys/types.h>

enum output_kind {
	KIND_FILE,   /* a write always returns */
	KIND_PIPE,   /* a write of up to PIPE_BUF bytes is atomic */
	KIND_STREAM, /* a terminal */
	KIND_SOCKET,
};

struct outway {
	int stop_fd; /* borrowed: readable when a wait must end */
	int fd;	     /* the caller's descriptor */
	int own;     /* owned: the same file opened non-blocking, or fd */
	enum output_kind kind;
};

void outway_open(struct outway *y, int fd);
void outway_close(struct outway *y); /* fd stays open */
/* Bytes written, 0 = try again, -errno. */
ssize_t outway_write(const struct outway *y, const char *s, size_t len);
/* As much as is taken without a wait. */
void outway_write_at_once(const struct outway *y, const char *s, size_t len);
/* Bytes up to and with the first newline; len where there is none. */
size_t outway_line(const char *s, size_t len);

#endif
