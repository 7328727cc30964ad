/* SPDX-License-Identifier: MIT */
/*
 * LD_PRELOAD: reading the file whose name ends in SLOW_FILE takes SLOW_MS milliseconds each time,
 * as on a file system behind a network, or one whose owner means ill.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static int is_slow(int fd)
{
	const char *end = getenv("SLOW_FILE");
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (!end || n < 0)
		return 0;
	path[n] = 0;
	return ends_in(path, end);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	ssize_t (*real)(int, void *, size_t, off_t) = dlsym(RTLD_NEXT, "pread");
	long ms = atol(getenv("SLOW_MS") ?: "0");
	struct timespec wait = {ms / 1000, ms % 1000 * 1000000};

	if (is_slow(fd))
		nanosleep(&wait, NULL);
	return real(fd, to, size, at);
}
