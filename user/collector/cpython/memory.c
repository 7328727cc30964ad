/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cpython/memory.h"

int memory_read(pid_t pid, uint64_t address, void *ret_bytes, size_t len)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = pread(fd, ret_bytes, len, address);
	close(fd);
	return n == (ssize_t)len ? 0 : -EIO;
}
