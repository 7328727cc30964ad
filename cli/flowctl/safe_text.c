/* SPDX-License-Identifier: MIT */
/*
 * Text of a trace, made safe and measured for a terminal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"
#include "columns.h"

/* Marks that turn the direction of what follows, and characters that nobody can see. */
static bool is_hidden(uint32_t c)
{
	return c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe007f);
}

static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000);
}

static void put_escape(struct buf *b, uint32_t c)
{
	char text[16];

	if (c == '\n')
		snprintf(text, sizeof(text), "\\n");
	else if (c == '\t')
		snprintf(text, sizeof(text), "\\t");
	else if (c == '\r')
		snprintf(text, sizeof(text), "\\r");
	else if (c < 0x100)
		snprintf(text, sizeof(text), "\\x%02x", c);
	else
		snprintf(text, sizeof(text), c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
	buf_str(b, text);
}

void safe_text(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *before = s;
		uint32_t c = utf8_get(&s, end);

		if (is_control(c) || is_hidden(c))
			put_escape(b, c);
		else if (c == UTF8_REPLACEMENT)
			BUF_LITERAL(b, "\xef\xbf\xbd");
		else
			buf_add(b, before, (size_t)(s - before));
	}
}

static size_t width_of(uint32_t c)
{
	int width = c < 0x7f ? 1 : wcwidth((wchar_t)c);

	return width < 0 ? 1 : (size_t)width;
}

size_t text_width(const char *s, size_t len)
{
	const char *end = s + len;
	size_t width = 0;

	while (s < end)
		width += width_of(utf8_get(&s, end));
	return width;
}

/* Behind the characters at the beginning of s that fit. */
static const char *fitting(const char *s, const char *end, size_t width)
{
	while (s < end) {
		const char *next = s;
		size_t w = width_of(utf8_get(&next, end));

		if (w > width)
			break;
		width -= w;
		s = next;
	}
	return s;
}

void cut_text(struct buf *b, const char *s, size_t len, size_t width, bool keep_end)
{
	size_t all = text_width(s, len);
	const char *end = s + len, *cut;

	if (all <= width) {
		buf_add(b, s, len);
	} else if (!width) {
		return;
	} else if (keep_end) {
		/* What does not fit, and one more for the dots. */
		size_t drop = all - width + 1;

		for (cut = s; drop && cut < end;) {
			size_t w = width_of(utf8_get(&cut, end));

			drop -= w < drop ? w : drop;
		}
		BUF_LITERAL(b, "…");
		buf_add(b, cut, (size_t)(end - cut));
	} else {
		cut = fitting(s, end, width - 1);
		buf_add(b, s, (size_t)(cut - s));
		BUF_LITERAL(b, "…");
	}
}

size_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 80;
}
