/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * SipHash, with which the interpreter hashes a str and a secret of the process (Python/pyhash.c).
 */
#ifndef FT_SIPHASH_BPF_H
#define FT_SIPHASH_BPF_H

#include "py_read.bpf.h"

FT_INLINE u64 rotated(u64 x, u32 by)
{
	return x << by | x >> (64 - by);
}

FT_INLINE void sip_round(u64 *v)
{
	v[0] += v[1];
	v[1] = rotated(v[1], 13) ^ v[0];
	v[0] = rotated(v[0], 32);
	v[2] += v[3];
	v[3] = rotated(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotated(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotated(v[1], 17) ^ v[2];
	v[2] = rotated(v[2], 32);
}

/* secret_at: address of its two words; -1: they cannot be read. */
FT_INLINE int sip_begin(u64 *v, u64 secret_at)
{
	u64 secret[2] = {};

	if (read_at(secret, sizeof(secret), secret_at))
		return -1;
	v[0] = secret[0] ^ 0x736f6d6570736575ULL; /* the constants of SipHash */
	v[1] = secret[1] ^ 0x646f72616e646f6dULL;
	v[2] = secret[0] ^ 0x6c7967656e657261ULL;
	v[3] = secret[1] ^ 0x7465646279746573ULL;
	return 0;
}

/* The last word has the length in its highest byte. */
FT_INLINE void sip_word(u64 *v, u64 word, u32 rounds)
{
	v[3] ^= word;
	sip_round(v);
	if (rounds > 1)
		sip_round(v);
	v[0] ^= word;
}

FT_INLINE u64 sip_end(u64 *v, u32 rounds)
{
	u32 i;

	v[2] ^= 0xff;
	for (i = 0; i < 2 + rounds && i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
