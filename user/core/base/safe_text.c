/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>

#include "base/safe_text.h"
#include "base/utf8.h"

/* Marks that change the direction of the text after them, and invisible characters. */
static bool is_hidden(uint32_t c)
{
	return c == 0xad || c == 0x61c || c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000);
}

/* The letter after the backslash; 0: it has none. */
static char letter_of(uint32_t c)
{
	return c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : 0;
}

static void put_escape(struct buf *b, uint32_t c, bool json)
{
	char text[16];

	if (letter_of(c))
		snprintf(text, sizeof(text), "\\%c", letter_of(c));
	else if (c < 0x100 && !json)
		snprintf(text, sizeof(text), "\\x%02x", c);
	else if (c < 0x10000)
		snprintf(text, sizeof(text), "\\u%04x", c);
	else if (json)
		snprintf(text, sizeof(text), "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10),
			 0xdc00 + (c & 0x3ff));
	else
		snprintf(text, sizeof(text), "\\U%08x", c);
	buf_str(b, text);
}

/* Appends one character, which was read at `at`. */
static void put_char(struct buf *b, uint32_t c, const char *at, size_t len, bool json)
{
	if (is_control(c) || is_hidden(c))
		put_escape(b, c, json);
	else if (c == UTF8_REPLACEMENT)
		BUF_LITERAL(b, "\xef\xbf\xbd");
	else
		buf_add(b, at, len);
}

void safe_text(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *at = s;
		uint32_t c = utf8_get(&s, end);

		put_char(b, c, at, (size_t)(s - at), false);
	}
}

/* Is it the beginning of a character whose last bytes are missing? */
static bool is_torn(const char *s, const char *end)
{
	unsigned char first = (unsigned char)*s;
	int bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;

	return end - s < bytes;
}

static bool is_plain(char c)
{
	return (c >= ' ' && c < 0x7f) || c == '\n' || c == '\t';
}

size_t safe_lines(struct buf *b, const char *s, size_t len, bool last)
{
	const char *start = s, *end = s + len;

	while (s < end) {
		const char *at = s;
		uint32_t c;

		while (s < end && is_plain(*s))
			s++;
		buf_add(b, at, (size_t)(s - at));
		if (s == end || (!last && is_torn(s, end)))
			break;
		at = s;
		c = utf8_get(&s, end);
		put_char(b, c, at, (size_t)(s - at), true);
	}
	return (size_t)(s - start);
}
