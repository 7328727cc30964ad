/* SPDX-License-Identifier: MIT */
/* Ways in which a file may be packed. A codec takes from a struct file_buffer and gives plain
 * bytes. */
#ifndef FT_TRACE_CODEC_H
#define FT_TRACE_CODEC_H

#include "read/file_buffer.h"

#define CODEC_MAGIC 4

struct codec {
	const char *name;
	const char *magic; /* the first bytes of such a file; "" = any */
	size_t magic_len;
	/* NULL, not an error, where a codec needs no state. */
	int (*start)(void **ret_state, struct why *w);
	/* 0 at the end, -errno. ret_cut: it ends in the middle. */
	ssize_t (*read)(void *state, struct file_buffer *r, char *p, size_t size, bool *ret_cut,
			struct why *w);
	void (*stop)(void *state);
};

extern const struct codec codec_plain, codec_gzip, codec_zstd;

#endif
