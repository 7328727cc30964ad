/* SPDX-License-Identifier: MIT */
/*
 * A growable byte buffer. An append that finds no memory sets `failed` and does nothing, and so
 * does every later one: write freely, check once at the end. Not NUL-terminated.
 */
#ifndef FT_BUF_H
#define FT_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct buf {
	char *s; /* owned */
	size_t len, cap;
	bool failed;
};

#define BUF_LITERAL(b, text) buf_add(b, text, sizeof(text) - 1)

void buf_release(struct buf *b);
/* Grows so that at least `more` bytes can follow; false when there is no memory. */
bool buf_grow(struct buf *b, size_t more);
/* The content as a NUL-terminated string, which the caller frees; NULL without memory. */
char *buf_dup(const struct buf *b);

/* Room for `more` bytes after the content (and one spare byte, so that the result is not NULL when
 * `more` is 0), or NULL without memory. The caller adds to len what it wrote. */
static inline char *buf_room(struct buf *b, size_t more)
{
	if (b->cap - b->len <= more && !buf_grow(b, more + 1))
		return NULL;
	return b->s + b->len;
}

/* s may be NULL when len is 0. */
static inline void buf_add(struct buf *b, const char *s, size_t len)
{
	char *room = buf_room(b, len);

	if (!room || !len)
		return;
	memcpy(room, s, len);
	b->len += len;
}

static inline void buf_char(struct buf *b, char c)
{
	char *room = buf_room(b, 1);

	if (!room)
		return;
	*room = c;
	b->len++;
}

static inline void buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

static inline void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

#endif
