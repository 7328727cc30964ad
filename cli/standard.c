/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/safe_text.h"
#include "standard.h"

void standard_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDONLY); /* the lowest free one: fd */
}

/* What has room takes a line without blocking. */
static int may_write(int ms)
{
	struct pollfd out = {STDERR_FILENO, POLLOUT, 0};

	return poll(&out, 1, ms) > 0 && out.revents & POLLOUT;
}

/* What it quotes is the choice of others: one line, which steers no terminal. */
static void put_safe(struct buf *b, const char *s, size_t len)
{
	const size_t clear = strlen(STANDARD_CLEAR_LINE);
	bool ends = len && s[len - 1] == '\n';

	if (!strncmp(s, STANDARD_CLEAR_LINE, clear)) {
		buf_add(b, s, clear);
		s += clear;
		len -= clear;
	}
	safe_text(b, s, len - ends);
	if (ends)
		buf_char(b, '\n');
}

void standard_error(int ms, const char *fmt, ...)
{
	struct buf safe = {};
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	put_safe(&safe, text, (size_t)len);
	if (!safe.failed && may_write(ms))
		(void)!write(STDERR_FILENO, safe.s, safe.len);
	buf_release(&safe);
	free(text);
}
