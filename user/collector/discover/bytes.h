/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file, read on demand. The file is never mapped: its owner (a container, say) could
 * truncate it, and then access to a mapping raises SIGBUS. In: a path. Out: pointers that stay
 * valid until bytes_release. Every access names its range and gives NULL outside the file, and when
 * the budget is used up.
 */
#ifndef FT_BYTES_H
#define FT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"
#include "discover/budget.h"

#define BYTES_MAX_FILE (1ULL << 30) /* a larger interpreter is refused */

struct bytes {
	int fd;
	size_t size;
	uint8_t *data;	       /* address space for the whole file; filled in chunk by chunk */
	uint8_t *loaded;       /* one byte per chunk */
	uint64_t memory;       /* taken from the budget, to be returned */
	struct budget *budget; /* borrowed */
	bool failed;	       /* something could not be read */
	dev_t dev;
	ino_t inode;
};

/* name: for messages. */
int bytes_open(struct bytes *b, const char *path, const char *name, struct budget *budget,
	       struct why *w);
void bytes_release(struct bytes *b);

/* The len bytes at offset; NULL if they are not all in the file or cannot be read. */
const void *bytes_at(struct bytes *b, uint64_t offset, uint64_t len);

/*
 * For data that is read once and not kept: calls fn with one window of the range after the other
 * until fn returns true. Each window begins with the last `overlap` bytes of the previous one; at:
 * its offset in the file. fn is not called if part of the range is outside the file.
 */
typedef bool bytes_window_fn(void *ctx, const uint8_t *data, size_t len, uint64_t at);
bool bytes_scan(struct bytes *b, uint64_t offset, uint64_t len, size_t overlap, bytes_window_fn *fn,
		void *ctx);

#endif
