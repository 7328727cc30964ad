/* SPDX-License-Identifier: MIT */
/*
 * gzip: one member after another, as "gzip -c >>" leaves them. Zeros after the last are padding.
 */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "read/codec.h"

#define WITH_GZIP_HEADER (16 + MAX_WBITS)

struct gzip {
	z_stream z;
	bool within; /* a member has begun and is not over */
};

static int gzip_start(void **ret_state, struct why *w)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (!g || inflateInit2(&g->z, WITH_GZIP_HEADER) != Z_OK) {
		free(g);
		return why(w, -ENOMEM, "out of memory");
	}
	*ret_state = g;
	return 0;
}

static void gzip_stop(void *state)
{
	struct gzip *g = state;

	if (g)
		inflateEnd(&g->z);
	free(g);
}

static void skip_padding(struct file_buffer *r)
{
	while (r->len && !r->buf[r->start]) {
		r->start++;
		r->len--;
	}
}

/* As much as fits from what is in the buffer; returns zlib's status. */
static int inflate_some(struct gzip *g, struct file_buffer *r)
{
	int status;

	g->z.next_in = (Bytef *)r->buf + r->start;
	g->z.avail_in = (uInt)r->len;
	status = inflate(&g->z, Z_NO_FLUSH);
	r->start += r->len - g->z.avail_in;
	r->len = g->z.avail_in;
	return status;
}

static ssize_t gzip_read(void *state, struct file_buffer *r, char *p, size_t size, bool *ret_cut,
			 struct why *w)
{
	struct gzip *g = state;

	g->z.next_out = (Bytef *)p;
	g->z.avail_out = (uInt)size;
	while (g->z.avail_out == size) {
		int status, err = file_buffer_fill(r, 1, w);

		if (err)
			return err;
		if (!g->within)
			skip_padding(r);
		if (!r->len && !r->ended)
			continue;
		if (!r->len) {
			*ret_cut = g->within;
			return 0;
		}
		g->within = true;
		status = inflate_some(g, r);
		if (status == Z_STREAM_END) {
			g->within = false;
			inflateReset(&g->z);
		} else if (status != Z_OK && status != Z_BUF_ERROR) {
			return why(w, -EBADMSG, "%s has broken gzip data: %s", r->name,
				   g->z.msg ? g->z.msg : "corrupt");
		}
	}
	return (ssize_t)(size - g->z.avail_out);
}

const struct codec codec_gzip = {
	.name = "gzip",
	.magic = "\x1f\x8b",
	.magic_len = 2,
	.start = gzip_start,
	.read = gzip_read,
	.stop = gzip_stop,
};
