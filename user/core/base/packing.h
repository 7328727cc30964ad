/* SPDX-License-Identifier: MIT */
/*
 * Ways to pack an output file, which its name asks for. A packed file is a row of frames, each of
 * which can be unpacked without the others. The collector has these ways (collector/pack/); the
 * core, which is built into the Python package too, needs no library for them.
 */
#ifndef FT_PACKING_H
#define FT_PACKING_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/why.h"

struct packing {
	const char *suffix; /* of the file's name: ".zst" */
	int (*start)(void **ret_state);
	void (*stop)(void *state);
	/* Appends these bytes as one frame. */
	int (*pack)(void *state, const char *s, size_t len, struct buf *ret_frame);
	/* Where the last whole frame of a file of `size` bytes ends; -EBADMSG: it holds something
	 * else. */
	int (*whole)(int fd, off_t size, off_t *ret_end);
};

/* Of a list that ends in NULL, or is NULL, the one that the name asks for; NULL = none. */
const struct packing *packing_of(const struct packing *const *list, const char *name);

#endif
