/* SPDX-License-Identifier: MIT */
/*
 * A growable run of bytes. An append that finds no memory sets `failed` and does nothing,
 * and so does every one after it: write freely, look once at the end. Not NUL-terminated.
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

/* Room for `more` bytes behind the content (and one spare, so that it is never NULL for want
 * of a first byte), or NULL without memory. The caller adds to len what it wrote. */
static inline char *buf_room(struct buf *b, size_t more)
{
	if (b->cap - b->len <= more && !buf_grow(b, more + 1))
		return NULL;
	return b->s + b->len;
}

/* s: NULL is fine when there is nothing to add. */
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
