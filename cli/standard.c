/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void standard_error(int ms, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	if (may_write(ms))
		(void)!write(STDERR_FILENO, text, len);
	free(text);
}
