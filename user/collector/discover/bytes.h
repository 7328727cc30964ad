/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file, read when they are asked for. The file is never mapped: whoever
 * owns it (a container, say) could truncate it under us, and a mapping would answer that
 * with SIGBUS. What comes in is a path, what goes out are pointers that stay valid until
 * bytes_release. Every access names its range and gives NULL outside the file, and when the budget
 * is spent.
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
	uint8_t *loaded;       /* one byte a chunk */
	uint64_t memory;       /* of the budget, to be given back */
	struct budget *budget; /* borrowed */
	bool failed;	       /* something could not be read */
	dev_t dev;
	ino_t inode;
};

/* name: what people know the file by. */
int bytes_open(struct bytes *b, const char *path, const char *name, struct budget *budget,
	       struct why *w);
void bytes_release(struct bytes *b);

/* The len bytes at offset, or NULL where they are not all in the file or cannot be read. */
const void *bytes_at(struct bytes *b, uint64_t offset, uint64_t len);

/*
 * For what is read once and not kept: calls fn with a window of the range after the other, each of
 * which begins with the last `overlap` bytes of the one before, until fn returns true; at: its
 * offset in the file. Nothing of a range that is not all in the file.
 */
typedef bool bytes_window_fn(void *ctx, const uint8_t *data, size_t len, uint64_t at);
bool bytes_scan(struct bytes *b, uint64_t offset, uint64_t len, size_t overlap, bytes_window_fn *fn,
		void *ctx);

#endif
