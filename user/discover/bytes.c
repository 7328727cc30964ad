/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "discover/bytes.h"
#include "discover/denied.h"

#define CHUNK 65536

static int cannot_open(const char *path, int err, struct why *w)
{
	if (err == EACCES || err == EPERM)
		return denied(w, path);
	return why(w, -err, "cannot read %s: %s", path, strerror(err));
}

int bytes_open(struct bytes *b, const char *path, const char *name, struct why *w)
{
	struct stat st;
	int err;

	*b = (struct bytes){.fd = -1};
	/* O_NONBLOCK: a name that has become a FIFO must not hold us. */
	b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (b->fd < 0 || fstat(b->fd, &st)) {
		err = cannot_open(name, errno, w);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > BYTES_MAX_FILE) {
		err = why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s is no ELF file (%lld bytes)", name,
			       (long long)st.st_size);
		goto out;
	}
	b->size = st.st_size;
	b->dev = st.st_dev;
	b->inode = st.st_ino;
	b->loaded = calloc(b->size / CHUNK + 1, 1);
	b->data = mmap(NULL, b->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!b->loaded || b->data == MAP_FAILED) {
		err = why(w, -ENOMEM, "no memory to read %s", name);
		goto out;
	}
	return 0;
out:
	bytes_release(b);
	return err;
}

void bytes_release(struct bytes *b)
{
	if (b->data && b->data != MAP_FAILED)
		munmap(b->data, b->size);
	free(b->loaded);
	if (b->fd >= 0)
		close(b->fd);
	*b = (struct bytes){.fd = -1};
}

/* Bytes that can no longer be read (the file was truncated) stay zero. */
static bool load_chunk(struct bytes *b, size_t chunk)
{
	size_t at = chunk * CHUNK, end = at + CHUNK < b->size ? at + CHUNK : b->size;

	while (at < end) {
		ssize_t n = pread(b->fd, b->data + at, end - at, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
	}
	b->loaded[chunk] = 1;
	return true;
}

const void *bytes_at(struct bytes *b, uint64_t offset, uint64_t len)
{
	if (offset > b->size || len > b->size - offset)
		return NULL;
	for (size_t c = offset / CHUNK; len && c <= (offset + len - 1) / CHUNK; c++)
		if (!b->loaded[c] && !load_chunk(b, c))
			return NULL;
	return b->data + offset;
}
