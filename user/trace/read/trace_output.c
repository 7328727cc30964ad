/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/outfile.h"
#include "read/trace_output.h"

#define OUTPUT_BYTES (256 * 1024)
#define ZSTD_LEVEL 3

struct trace_output;

/* A way of packing. `last`: nothing follows. */
struct packer {
	const char *suffix;
	int (*start)(struct trace_output *o);
	int (*pack)(struct trace_output *o, const char *s, size_t len, bool last, struct why *w);
	void (*stop)(struct trace_output *o);
};

struct trace_output {
	char *path;   /* owned; where it shall be */
	char *beside; /* owned; where it is until it is whole; NULL: written in place */
	int fd;
	const struct packer *packer;
	char *in, *out; /* owned; OUTPUT_BYTES each: not packed yet, packed */
	size_t in_len;
	z_stream gzip;
	ZSTD_CCtx *zstd;
};

/* ---- packers ------------------------------------------------------------------------------- */

static int plain_pack(struct trace_output *o, const char *s, size_t len, bool last, struct why *w)
{
	return outfile_write(o->fd, o->path, s, len, w);
}

static int gzip_start(struct trace_output *o)
{
	/* 15: the usual window; + 16: gzip's header instead of zlib's. */
	return deflateInit2(&o->gzip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8,
			    Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

static int gzip_pack(struct trace_output *o, const char *s, size_t len, bool last, struct why *w)
{
	int err = 0, got = Z_OK;

	o->gzip.next_in = (Bytef *)s;
	o->gzip.avail_in = (uInt)len;
	while (!err && (o->gzip.avail_in || (last && got != Z_STREAM_END))) {
		o->gzip.next_out = (Bytef *)o->out;
		o->gzip.avail_out = OUTPUT_BYTES;
		got = deflate(&o->gzip, last ? Z_FINISH : Z_NO_FLUSH);
		if (got != Z_OK && got != Z_STREAM_END)
			return why(w, -EIO, "gzip fails on %s", o->path);
		err = outfile_write(o->fd, o->path, o->out, OUTPUT_BYTES - o->gzip.avail_out, w);
	}
	return err;
}

static void gzip_stop(struct trace_output *o)
{
	deflateEnd(&o->gzip);
}

static int zstd_start(struct trace_output *o)
{
	o->zstd = ZSTD_createCCtx();
	if (!o->zstd)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
	return 0;
}

static int zstd_pack(struct trace_output *o, const char *s, size_t len, bool last, struct why *w)
{
	ZSTD_inBuffer in = {s, len, 0};
	size_t left = 1;
	int err = 0;

	while (!err && (in.pos < in.size || (last && left))) {
		ZSTD_outBuffer out = {o->out, OUTPUT_BYTES, 0};

		left = ZSTD_compressStream2(o->zstd, &out, &in,
					    last ? ZSTD_e_end : ZSTD_e_continue);
		if (ZSTD_isError(left))
			return why(w, -EIO, "zstd fails on %s: %s", o->path,
				   ZSTD_getErrorName(left));
		err = outfile_write(o->fd, o->path, o->out, out.pos, w);
	}
	return err;
}

static void zstd_stop(struct trace_output *o)
{
	ZSTD_freeCCtx(o->zstd);
}

/* The last one is for all other names. */
static const struct packer packers[] = {
	{".gz", gzip_start, gzip_pack, gzip_stop},
	{".zst", zstd_start, zstd_pack, zstd_stop},
	{"", NULL, plain_pack, NULL},
};

static const struct packer *packer_of(const char *path)
{
	const struct packer *p = packers;
	size_t len = strlen(path), suffix;

	for (;; p++) {
		suffix = strlen(p->suffix);
		if (len >= suffix && !strcmp(path + len - suffix, p->suffix))
			return p;
	}
}

/* ---- files --------------------------------------------------------------------------------- */

/* Beside the file that is or will be there; as that one is, should it be there. */
static int open_beside(struct trace_output *o, struct why *w)
{
	char *there = realpath(o->path, NULL);
	struct stat st;
	int err;

	if (there) {
		free(o->path);
		o->path = there;
	}
	if (asprintf(&o->beside, "%s.%d.part", o->path, (int)getpid()) < 0) {
		o->beside = NULL;
		return why(w, -ENOMEM, "out of memory");
	}
	err = outfile_open(o->beside, O_EXCL, -1, -1, &o->fd, w);
	if (err) {
		free(o->beside); /* it is not ours */
		o->beside = NULL;
	}
	/* The owner may be another one, whom we may not give it to: then it is ours. */
	if (!err && there && !stat(there, &st) &&
	    (fchown(o->fd, st.st_uid, st.st_gid) || fchmod(o->fd, st.st_mode & 07777)))
		err = 0;
	return err;
}

static int open_file(struct trace_output *o, struct why *w)
{
	struct stat st;
	int err;

	if (!strcmp(o->path, "-")) {
		free(o->path);
		o->path = strdup("standard output");
		o->fd = STDOUT_FILENO;
		return o->path ? 0 : why(w, -ENOMEM, "out of memory");
	}
	err = outfile_replaceable(o->path, w);
	if (err)
		return err;
	if (stat(o->path, &st) || S_ISREG(st.st_mode))
		return open_beside(o, w);
	if (S_ISDIR(st.st_mode))
		return why(w, -EISDIR, "%s is a directory: name a file in it", o->path);
	return outfile_open(o->path, 0, -1, -1, &o->fd, w);
}

int trace_output_open(const char *path, struct trace_output **ret_output, struct why *w)
{
	struct trace_output *o = calloc(1, sizeof(*o));
	int err = 0;

	if (!o)
		return why(w, -ENOMEM, "out of memory");
	o->fd = -1;
	o->path = strdup(path);
	o->in = malloc(OUTPUT_BYTES);
	o->out = malloc(OUTPUT_BYTES);
	if (!o->path || !o->in || !o->out)
		err = why(w, -ENOMEM, "out of memory");
	if (!err)
		err = open_file(o, w);
	if (!err) {
		o->packer = packer_of(path);
		err = o->packer->start ? o->packer->start(o) : 0;
	}
	if (err) {
		trace_output_free(o);
		return why(w, err, "out of memory");
	}
	*ret_output = o;
	return 0;
}

static int flush(struct trace_output *o, bool last, struct why *w)
{
	int err = o->packer->pack(o, o->in, o->in_len, last, w);

	o->in_len = 0;
	return err;
}

int trace_output_put(struct trace_output *o, const char *s, size_t len, struct why *w)
{
	int err = 0;

	while (len && !err) {
		size_t part = OUTPUT_BYTES - o->in_len;

		part = part < len ? part : len;
		memcpy(o->in + o->in_len, s, part);
		o->in_len += part;
		s += part;
		len -= part;
		if (o->in_len == OUTPUT_BYTES)
			err = flush(o, false, w);
	}
	return err;
}

int trace_output_finish(struct trace_output *o, struct why *w)
{
	int err = flush(o, true, w);

	if (err || !o->beside)
		return err;
	if (rename(o->beside, o->path)) {
		err = -errno;
		return why(w, err, "cannot replace %s: %s", o->path, strerror(-err));
	}
	free(o->beside);
	o->beside = NULL;
	return 0;
}

void trace_output_free(struct trace_output *o)
{
	if (!o)
		return;
	if (o->packer && o->packer->stop)
		o->packer->stop(o);
	if (o->fd > STDERR_FILENO)
		close(o->fd);
	if (o->beside)
		unlink(o->beside);
	free(o->beside);
	free(o->path);
	free(o->in);
	free(o->out);
	free(o);
}
