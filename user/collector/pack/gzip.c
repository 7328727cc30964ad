/* SPDX-License-Identifier: MIT */
/*
 * gzip members (RFC 1952). Each says in a field of its own how long it is, as those of BGZF do, so
 * that the end of a file is found without unpacking it:
 *
 *     header (10) | 8, 'F' 'T', 4, size of the member (4) | deflated | checksum, length
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "pack/packings.h"

#define LEVEL 1 /* 4 takes 1.8 times the time for a sixth less */
#define GZIP_WINDOW (16 + MAX_WBITS)
#define SIZE_AT 16 /* in a member */
#define BEGIN_BYTES 20

static const unsigned char begin[] = {0x1f, 0x8b, Z_DEFLATED, 4}; /* 4: it has such a field */
static const unsigned char field[] = {8, 0, 'F', 'T', 4, 0};

static int gzip_start(void **ret_state)
{
	z_stream *z = calloc(1, sizeof(*z));

	if (!z || deflateInit2(z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 9, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return -ENOMEM;
	}
	*ret_state = z;
	return 0;
}

static void gzip_stop(void *state)
{
	if (state)
		deflateEnd(state);
	free(state);
}

static int deflate_all(z_stream *z, const char *s, size_t len, unsigned char *room, size_t most)
{
	unsigned char extra[8] = {'F', 'T', 4};
	gz_header header = {.os = 255, .extra = extra, .extra_len = sizeof(extra)};

	if (deflateReset(z) != Z_OK || deflateSetHeader(z, &header) != Z_OK)
		return -EINVAL;
	z->next_in = (unsigned char *)s;
	z->avail_in = (uInt)len;
	z->next_out = room;
	z->avail_out = (uInt)most;
	return deflate(z, Z_FINISH) == Z_STREAM_END ? 0 : -EINVAL;
}

static int gzip_pack(void *state, const char *s, size_t len, struct buf *ret_frame)
{
	z_stream *z = state;
	size_t most = deflateBound(z, len) + BEGIN_BYTES;
	unsigned char *room;
	uint32_t size;
	int err;

	if (len > UINT32_MAX / 2) /* what zlib counts */
		return -E2BIG;
	room = (unsigned char *)buf_room(ret_frame, most);
	if (!room)
		return -ENOMEM;
	err = deflate_all(z, s, len, room, most);
	if (err)
		return err;
	size = htole32((uint32_t)(most - z->avail_out));
	memcpy(room + SIZE_AT, &size, sizeof(size));
	ret_frame->len += most - z->avail_out;
	return 0;
}

/* 0 = the file ends within it, -EBADMSG = it has no such field. */
static int member_size(int fd, off_t at, uint32_t *ret_size)
{
	unsigned char b[BEGIN_BYTES];
	ssize_t n = pread(fd, b, sizeof(b), at);

	if (n < 0)
		return -errno;
	if (memcmp(b, begin, (size_t)n < sizeof(begin) ? (size_t)n : sizeof(begin)))
		return -EBADMSG;
	if ((size_t)n < sizeof(b))
		return 0;
	memcpy(ret_size, b + SIZE_AT, sizeof(*ret_size));
	*ret_size = le32toh(*ret_size);
	return memcmp(b + SIZE_AT - sizeof(field), field, sizeof(field)) || *ret_size <= BEGIN_BYTES
		       ? -EBADMSG
		       : 1;
}

static int gzip_whole(int fd, off_t size, off_t *ret_end)
{
	off_t at = 0, end = 0;
	uint32_t member = 0;
	int more = 1;

	while (more == 1 && at < size) {
		more = member_size(fd, at, &member);
		if (more == 1)
			at += member;
		if (more == 1 && at <= size)
			end = at;
	}
	if (more < 0)
		return more;
	*ret_end = end;
	return 0;
}

const struct packing packing_gzip = {
	.suffix = ".gz",
	.start = gzip_start,
	.stop = gzip_stop,
	.pack = gzip_pack,
	.whole = gzip_whole,
};
