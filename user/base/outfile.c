/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"

int outfile_open(const char *path, int flags, long uid, long gid, int *ret_fd, struct why *w)
{
	int common = O_WRONLY | O_CLOEXEC | O_NOCTTY | flags, err;
	int fd = open(path, common | O_CREAT | O_EXCL, 0600);

	if (fd >= 0) {
		if (uid != -1 && fchown(fd, uid, gid)) {
			err = -errno;
			close(fd);
			return why(w, err, "cannot give %s to its user: %s", path, strerror(-err));
		}
	} else if (errno == EEXIST && !(flags & O_EXCL)) {
		fd = open(path, common);
	}
	if (fd < 0) {
		err = -errno;
		return why(w, err, "cannot open %s for writing: %s", path, strerror(-err));
	}
	*ret_fd = fd;
	return 0;
}

int outfile_write(int fd, const char *path, const void *data, size_t size, struct why *w)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n > 0) {
			at += n;
			size -= n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* Standard output may be a non-blocking pipe of somebody else's making. */
		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		n = n < 0 ? -errno : -EIO;
		return why(w, n, "cannot write to %s: %s", path, strerror(-n));
	}
	return 0;
}
