/* SPDX-License-Identifier: MIT */
/*
 * Where bytes leave the program without making it wait: a queue and a thread that writes. Whoever
 * puts looks at outlet_bytes() first and decides itself what is too much.
 *
 *     outlet_put -> [chunk] [chunk] [chunk] -> thread -> write
 *
 * What may never take another byte (a FIFO, a pipe, a terminal, a socket) is written without
 * blocking, through an open file description of our own: that of standard output is shared with
 * others. A pipe gets whole lines of at most PIPE_BUF bytes in one piece, so that they arrive
 * whole or not at all.
 */
#ifndef FT_OUTLET_H
#define FT_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/why.h"

struct outlet;

/* name: for messages, copied. fd stays the caller's until outlet_switch() or outlet_free() is
 * back. */
int outlet_new(int fd, const char *name, struct outlet **ret_outlet, struct why *w);
/* What is put from now on steers no terminal but as it should: it is written as it is. */
void outlet_trust(struct outlet *o);
/* Takes the content of b, whole lines, which is empty afterwards. On a terminal what it would obey
 * is written out (safe_text.h). */
int outlet_put(struct outlet *o, struct buf *b, struct why *w);
/* What is put from now on goes to another descriptor; the old one is closed after its last byte,
 * when close_old says so. */
int outlet_switch(struct outlet *o, int fd, bool close_old, struct why *w);
/* Put and not written yet. */
size_t outlet_bytes(const struct outlet *o);
/* 0, or what a write failed with. */
int outlet_error(struct outlet *o, struct why *w);
/* Waits so long at the most: 0 = all is written, -EAGAIN = not yet, else what failed. */
int outlet_wait(struct outlet *o, unsigned ms, struct why *w);
/* How long nothing was taken of what waits; 0 when nothing waits. */
uint64_t outlet_stalled_ns(struct outlet *o);
/* Stops: what waits is not written any more, but for the rest of a line that has begun. Appends
 * it to ret_rest; only outlet_last_words() and outlet_free() may follow. */
void outlet_give_up(struct outlet *o, struct buf *ret_rest);
/* After outlet_give_up(): a last line, where there can be made room for it. */
void outlet_last_words(struct outlet *o, const char *s, size_t len);
/* Nothing may wait; NULL is fine. */
void outlet_free(struct outlet *o);

#endif
