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
#define WINDOW (4 * CHUNK)

static int cannot_open(const char *path, int err, struct why *w)
{
	if (err == EACCES || err == EPERM)
		return denied(w, path);
	return why(w, -err, "cannot read %s: %s", path, strerror(err));
}

int bytes_open(struct bytes *b, const char *path, const char *name, struct budget *budget,
	       struct why *w)
{
	struct stat st;
	int err;

	*b = (struct bytes){.fd = -1, .budget = budget};
	/* O_NONBLOCK: if the name now leads to a FIFO, open() must not block. */
	b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (b->fd < 0 || fstat(b->fd, &st)) {
		err = cannot_open(name, errno, w);
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || (uint64_t)st.st_size > BYTES_MAX_FILE) {
		err = why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s is not an ELF file (%lld bytes)", name,
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
	if (b->budget)
		b->budget->memory_bytes += b->memory;
	*b = (struct bytes){.fd = -1};
}

static bool read_all(struct bytes *b, void *to, size_t len, uint64_t at)
{
	size_t done = 0;

	if (!budget_read(b->budget, len))
		return false;
	while (done < len) {
		ssize_t n = pread(b->fd, (uint8_t *)to + done, len - done, at + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			b->failed = true;
			return false;
		}
		done += n;
	}
	return true;
}

/* Bytes that can no longer be read (the file was truncated) stay zero. */
static bool load_chunk(struct bytes *b, size_t chunk)
{
	size_t at = chunk * CHUNK, end = at + CHUNK < b->size ? at + CHUNK : b->size;

	if (!budget_memory(b->budget, end - at))
		return false;
	b->memory += end - at;
	if (!read_all(b, b->data + at, end - at, at))
		return false;
	b->loaded[chunk] = 1;
	return true;
}

/* Called before anything is loaded: a range beyond the budget is not begun. */
static bool is_too_much(struct bytes *b, uint64_t offset, uint64_t len)
{
	uint64_t missing = 0;

	for (size_t c = offset / CHUNK; c <= (offset + len - 1) / CHUNK; c++)
		missing += b->loaded[c] ? 0 : CHUNK;
	return missing > b->budget->memory_bytes;
}

const void *bytes_at(struct bytes *b, uint64_t offset, uint64_t len)
{
	if (offset > b->size || len > b->size - offset)
		return NULL;
	if (len > CHUNK && is_too_much(b, offset, len) && !budget_memory(b->budget, UINT64_MAX))
		return NULL;
	for (size_t c = offset / CHUNK; len && c <= (offset + len - 1) / CHUNK; c++)
		if (!b->loaded[c] && !load_chunk(b, c))
			return NULL;
	return b->data + offset;
}

bool bytes_scan(struct bytes *b, uint64_t offset, uint64_t len, size_t overlap, bytes_window_fn *fn,
		void *ctx)
{
	uint8_t *window;
	bool found = false;
	size_t kept = 0;

	if (offset > b->size || len > b->size - offset)
		return false;
	window = malloc(WINDOW);
	for (uint64_t at = offset, end = offset + len; window && !found && at < end;) {
		size_t n = end - at < WINDOW - kept ? end - at : WINDOW - kept;

		if (!read_all(b, window + kept, n, at))
			break;
		found = fn(ctx, window, kept + n, at - kept);
		at += n;
		n += kept;
		kept = n < overlap ? n : overlap;
		memmove(window, window + n - kept, kept);
	}
	free(window);
	return found;
}
