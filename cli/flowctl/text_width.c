/* SPDX-License-Identifier: MIT */
/*
 * Text, measured and cut for a terminal.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/utf8.h"
#include "columns.h"

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

/* After the characters at the beginning of s that fit. */
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

	if (!terminal_is(stdout))
		return 0;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return 80;
}
