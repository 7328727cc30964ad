/* SPDX-License-Identifier: MIT */
/*
 * Escapes undone, for those texts that are looked at.
 */
#include "base/utf8.h"
#include "calls/event.h"

static uint32_t hex4(const char *s)
{
	uint32_t n = 0;

	for (int i = 0; i < 4; i++) {
		char c = s[i];

		n = n << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return n;
}

/* After "\u"; returns after the escape, and that of a second half. */
static const char *put_unicode(struct buf *b, const char *s, const char *end)
{
	char bytes[UTF8_MAX];
	uint32_t c = hex4(s), low;

	s += 4;
	if (c >= 0xd800 && c < 0xdc00 && end - s >= 6 && s[0] == '\\' && s[1] == 'u') {
		low = hex4(s + 2);
		if (low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			s += 6;
		}
	}
	buf_add(b, bytes, (size_t)(utf8_put(bytes, c) - bytes));
	return s;
}

static char plain_of(char c)
{
	switch (c) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	}
	return c;
}

void trace_text_put(struct buf *b, const struct trace_text *t)
{
	const char *s = t->s, *end;

	if (!t->len)
		return; /* s may be NULL, of which C allows not even NULL + 0 */
	if (!t->escaped) {
		buf_add(b, s, t->len);
		return;
	}
	end = s + t->len;
	while (s < end) {
		const char *slash = memchr(s, '\\', (size_t)(end - s));

		if (!slash)
			slash = end;
		buf_add(b, s, (size_t)(slash - s));
		s = slash;
		if (s == end)
			break;
		if (s[1] == 'u') {
			s = put_unicode(b, s + 2, end);
		} else {
			buf_char(b, plain_of(s[1]));
			s += 2;
		}
	}
}

bool trace_text_is(const struct trace_text *t, const char *s, size_t len)
{
	struct buf plain = {0};
	bool is;

	if (!t->s || !t->len || !len)
		return t->s && t->len == len;
	if (!t->escaped)
		return t->len == len && !memcmp(t->s, s, len);
	trace_text_put(&plain, t);
	is = plain.len == len && !memcmp(plain.s, s, len);
	buf_release(&plain);
	return is;
}
