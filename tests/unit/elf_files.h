/* SPDX-License-Identifier: MIT */
/* Real interpreters for the tests, where this machine has them, and copies to corrupt. */
#ifndef FT_ELF_FILES_H
#define FT_ELF_FILES_H

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define DEBIAN_12_PYTHON "/usr/bin/python3.11"
#define DEBIAN_11_PYTHON "/var/cache/flowtrace/roots/bullseye/usr/bin/python3.9"

static inline const char *need_file(const char *path)
{
	if (access(path, R_OK))
		cr_skip_test("there is no %s on this machine", path);
	return path;
}

/* pyenv's shared library of Python 3.minor. */
static inline const char *need_pyenv(int minor)
{
	const char *home = getenv("HOME");
	static char path[512];
	char pattern[512];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/.pyenv/versions/3.%d.*/lib/libpython3.%d*.so.1.0",
		 home ? home : "", minor, minor);
	if (glob(pattern, 0, NULL, &g))
		cr_skip_test("no Python 3.%d of pyenv (%s)", minor, pattern);
	snprintf(path, sizeof(path), "%s", g.gl_pathv[0]);
	globfree(&g);
	return path;
}

/* A file in memory that can be changed and opened by name. */
struct copy {
	int fd;
	size_t size;
	unsigned char *data;
	char path[64];
};

static inline struct copy copy_of(const char *path)
{
	struct copy c = {.fd = memfd_create("elf", MFD_CLOEXEC)};
	int from = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t done = 0;

	cr_assert(from >= 0 && c.fd >= 0 && !fstat(from, &st));
	c.size = st.st_size;
	cr_assert(!ftruncate(c.fd, st.st_size));
	c.data = mmap(NULL, c.size, PROT_READ | PROT_WRITE, MAP_SHARED, c.fd, 0);
	cr_assert(c.data != MAP_FAILED);
	while (done < c.size) {
		ssize_t n = pread(from, c.data + done, c.size - done, done);

		cr_assert(n > 0);
		done += n;
	}
	close(from);
	snprintf(c.path, sizeof(c.path), "/proc/self/fd/%d", c.fd);
	return c;
}

static inline void copy_drop(struct copy *c)
{
	munmap(c->data, c->size);
	close(c->fd);
}

/* The same numbers in every run. */
static inline unsigned next_random(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

#endif
