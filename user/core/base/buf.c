/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/buf.h"

#define BUF_FIRST 256

void buf_release(struct buf *b)
{
	free(b->s);
	*b = (struct buf){0};
}

bool buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;
	char *s;

	if (b->failed || more > (size_t)-1 / 4 - b->len)
		goto fail;
	while (cap - b->len < more)
		cap *= 2;
	s = realloc(b->s, cap);
	if (!s)
		goto fail;
	b->s = s;
	b->cap = cap;
	return true;
fail:
	b->failed = true;
	return false;
}

char *buf_dup(const struct buf *b)
{
	return b->failed ? NULL : strndup(b->s ? b->s : "", b->len);
}
