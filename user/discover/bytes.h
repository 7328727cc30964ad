/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a file, read when they are asked for. The file is never mapped: whoever
 * owns it (a container, say) could truncate it under us, and a mapping would answer that
 * with SIGBUS. What comes in is a path, what goes out are pointers that stay valid until
 * bytes_release. Every access names its range and gives NULL outside the file.
 */
#ifndef FT_BYTES_H
#define FT_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

#define BYTES_MAX_FILE (1ULL << 30) /* a larger interpreter is refused */

struct bytes {
	int fd;
	size_t size;
	uint8_t *data;	 /* address space for the whole file; filled in chunk by chunk */
	uint8_t *loaded; /* one byte a chunk */
	dev_t dev;
	ino_t inode;
};

/* name: what people know the file by. */
int bytes_open(struct bytes *b, const char *path, const char *name, struct why *w);
void bytes_release(struct bytes *b);

/* The len bytes at offset, or NULL where they are not all in the file or cannot be read. */
const void *bytes_at(struct bytes *b, uint64_t offset, uint64_t len);

#endif
