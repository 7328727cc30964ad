/* SPDX-License-Identifier: MIT */
/*
 * zstd: one frame after another.
 */
#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#include "read/codec.h"

/* Windows up to 32 MiB: all that "zstd -1" to "-19" make, and it bounds our memory. */
#define MAX_WINDOW_LOG 25

struct zstd {
	ZSTD_DStream *stream;
	bool within; /* a frame has begun and is not over */
};

static int zstd_start(void **ret_state, struct why *w)
{
	struct zstd *z = calloc(1, sizeof(*z));

	if (z)
		z->stream = ZSTD_createDStream();
	if (!z || !z->stream) {
		free(z);
		return why(w, -ENOMEM, "out of memory");
	}
	ZSTD_DCtx_setParameter(z->stream, ZSTD_d_windowLogMax, MAX_WINDOW_LOG);
	*ret_state = z;
	return 0;
}

static void zstd_stop(void *state)
{
	struct zstd *z = state;

	if (z)
		ZSTD_freeDStream(z->stream);
	free(z);
}

static ssize_t zstd_read(void *state, struct file_buffer *r, char *p, size_t size, bool *ret_cut,
			 struct why *w)
{
	struct zstd *z = state;
	ZSTD_outBuffer out = {p, size, 0};

	while (!out.pos) {
		ZSTD_inBuffer in;
		size_t left;
		int err = file_buffer_fill(r, 1, w);

		if (err)
			return err;
		/* With no more to read there may still be bytes inside of the stream. */
		if (!r->len && !z->within)
			return 0;
		in = (ZSTD_inBuffer){r->buf + r->start, r->len, 0};
		left = ZSTD_decompressStream(z->stream, &out, &in);
		if (ZSTD_isError(left))
			return why(w, -EBADMSG, "%s has broken zstd data: %s", r->name,
				   ZSTD_getErrorName(left));
		z->within = left != 0;
		if (!r->len && !out.pos) {
			*ret_cut = z->within;
			return 0;
		}
		r->start += in.pos;
		r->len -= in.pos;
	}
	return (ssize_t)out.pos;
}

const struct codec codec_zstd = {
	.name = "zstd",
	.magic = "\x28\xb5\x2f\xfd",
	.magic_len = 4,
	.start = zstd_start,
	.read = zstd_read,
	.stop = zstd_stop,
};
