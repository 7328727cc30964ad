/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tail.h"

#define PAUSE_MS 20 /* a write is over by then */

int tail_open(int fd, const char *path, off_t *ret_size)
{
	struct stat of, st;
	int in;

	if (fstat(fd, &of) || !S_ISREG(of.st_mode) || !of.st_size)
		return -1;
	in = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (in < 0)
		return -1;
	if (fstat(in, &st) || st.st_ino != of.st_ino || st.st_dev != of.st_dev) {
		close(in);
		return -1;
	}
	*ret_size = st.st_size;
	return in;
}

bool tail_within(int in, off_t *size, bool (*within)(int in, off_t size, void *arg), void *arg)
{
	const struct timespec pause = {0, PAUSE_MS * NS_PER_MS};
	off_t before = -1;
	struct stat st;
	bool is;

	while ((is = within(in, *size, arg)) && *size != before) {
		before = *size;
		nanosleep(&pause, NULL);
		if (fstat(in, &st))
			break;
		*size = st.st_size;
	}
	return is;
}

static bool last_is_no_newline(int in, off_t size, void *arg)
{
	char last = '\n';

	return size && pread(in, &last, 1, size - 1) == 1 && last != '\n';
}

bool tail_within_line(int in, off_t size)
{
	return tail_within(in, &size, last_is_no_newline, NULL);
}
