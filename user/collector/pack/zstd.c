/* SPDX-License-Identifier: MIT */
/*
 * zstd frames (RFC 8878), with a checksum. Where one ends is found by its headers:
 *
 *     magic (4) | descriptor (1), window, dictionary, size | block, block ... | checksum
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#include <zstd.h>

#include "pack/packings.h"

#define LEVEL 1 /* 3 takes twice the time, and JSON lines become no smaller */
#define BLOCK_HEADER 3
#define SKIPPABLE 0x184d2a50u /* the last four bits are free */

static int zstd_start(void **ret_state)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();

	if (!z)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	*ret_state = z;
	return 0;
}

static void zstd_stop(void *state)
{
	ZSTD_freeCCtx(state);
}

static int zstd_pack(void *state, const char *s, size_t len, struct buf *ret_frame)
{
	size_t most = ZSTD_compressBound(len), n;
	char *room = buf_room(ret_frame, most);

	if (!room)
		return -ENOMEM;
	n = ZSTD_compress2(state, room, most, s, len);
	if (ZSTD_isError(n))
		return -ENOMEM; /* the only cause that is left */
	ret_frame->len += n;
	return 0;
}

/* ---- where frames end -------------------------------------------------------------------- */

/* The first `len` bytes at `at` as a little-endian number; false: the file ends before them. */
static bool number_at(int fd, off_t at, size_t len, uint32_t *ret)
{
	uint32_t n = 0;

	if (pread(fd, &n, len, at) != (ssize_t)len)
		return false;
	*ret = le32toh(n);
	return true;
}

static unsigned header_size(unsigned descriptor)
{
	static const unsigned char dictionary[] = {0, 1, 2, 4}, content[] = {0, 2, 4, 8};
	bool single = descriptor >> 5 & 1;
	unsigned kind = descriptor >> 6;

	return 4 + 1 + !single + dictionary[descriptor & 3] + (kind ? content[kind] : single);
}

/* 0 = the file ends within the blocks, -EBADMSG = they are none. */
static int skip_blocks(int fd, off_t *at)
{
	uint32_t block = 0;

	while (!(block & 1)) {
		unsigned kind;

		if (!number_at(fd, *at, BLOCK_HEADER, &block))
			return 0;
		kind = block >> 1 & 3;
		if (kind == 3)
			return -EBADMSG;
		*at += BLOCK_HEADER + (kind == 1 ? 1 : block >> 3);
	}
	return 1;
}

/* 1: *at is past the frame; 0: the file ends within it. */
static int skip_frame(int fd, off_t *at)
{
	uint32_t magic, n;
	off_t to = *at;
	int more;

	if (!number_at(fd, to, 4, &magic) || !number_at(fd, to + 4, 1, &n))
		return 0;
	if ((magic & ~0xfu) == SKIPPABLE) {
		if (!number_at(fd, to + 4, 4, &n))
			return 0;
		*at += 8 + (off_t)n;
		return 1;
	}
	if (magic != ZSTD_MAGICNUMBER)
		return -EBADMSG;
	to += header_size(n);
	more = skip_blocks(fd, &to);
	*at = more == 1 ? to + (n & 4) : *at; /* bit 2: four bytes of checksum follow */
	return more;
}

static int zstd_whole(int fd, off_t size, off_t *ret_end)
{
	off_t at = 0, end = 0;
	int more = 1;

	while (more == 1 && at < size) {
		more = skip_frame(fd, &at);
		if (more == 1 && at <= size)
			end = at;
	}
	if (more < 0)
		return more;
	*ret_end = end;
	return 0;
}

const struct packing packing_zstd = {
	.suffix = ".zst",
	.start = zstd_start,
	.stop = zstd_stop,
	.pack = zstd_pack,
	.whole = zstd_whole,
};
