/* SPDX-License-Identifier: MIT */
/*
 * Output that never makes the program wait: a queue, and a thread that writes. The caller looks at
 * outlet_bytes() before it puts more, and decides itself what is too much.
 *
 *     outlet_put -> [chunk] [chunk] [chunk] -> thread -> write
 *
 * What may never take another byte (a FIFO, a pipe, a terminal, a socket) is written without
 * blocking, through an open file description of our own, since that of standard output is shared
 * with other processes. A pipe gets as many whole lines per write as fit into PIPE_BUF bytes, so
 * that they arrive whole or not at all.
 */
#ifndef FT_OUTLET_H
#define FT_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/why.h"

struct logfile;
struct outlet;

/* name: for messages; copied. fd is borrowed until outlet_switch() or outlet_free() returns. */
int outlet_new(int fd, const char *name, struct outlet **ret_outlet, struct why *w);
/* What is put from now on has only control characters that are meant: it is written as it is. */
void outlet_trust(struct outlet *o);
/* Lines go to this file, which the queue's thread alone uses from now on: owned. Before the first
 * put. The descriptors of outlet_switch() are owned then, too. */
void outlet_log(struct outlet *o, struct logfile *log);
/* Takes over the content of b, whole lines; b is empty afterwards. On a terminal, control
 * characters are escaped (safe_text.h). */
int outlet_put(struct outlet *o, struct buf *b, struct why *w);
/* What is put from now on goes to another descriptor; the old one is closed after its last byte,
 * when close_old says so. */
int outlet_switch(struct outlet *o, int fd, bool close_old, struct why *w);
/* Bytes that were put and are not written yet. */
size_t outlet_bytes(const struct outlet *o);
/* 0, or the error of a failed write. */
int outlet_error(struct outlet *o, struct why *w);
/* Waits at most `ms` milliseconds: 0 = all is written, -EAGAIN = not yet, else the error. */
int outlet_wait(struct outlet *o, unsigned ms, struct why *w);
/* Time since the last write of queued bytes; 0 when the queue is empty. */
uint64_t outlet_stalled_ns(struct outlet *o);
/* Stops writing, but completes a line that has begun. Appends the other queued bytes to ret_rest.
 * Only outlet_last_words() and outlet_free() may follow. */
void outlet_give_up(struct outlet *o, struct buf *ret_rest);
/* After outlet_give_up(): writes a last line, if room can be made for it. */
void outlet_last_words(struct outlet *o, const char *s, size_t len);
/* What is still queued is dropped; NULL is fine. */
void outlet_free(struct outlet *o);

#endif
