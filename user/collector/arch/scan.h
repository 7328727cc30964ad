/* SPDX-License-Identifier: MIT */
/*
 * Searches code for bytes that are an instruction of a certain form, wherever instructions begin:
 * what is found by them is few enough to be looked at. Each folder of arch/ implements it.
 */
#ifndef FT_SCAN_H
#define FT_SCAN_H

#include "arch/insn.h"

/* Code that lies at vaddr. */
struct scan {
	const uint8_t *code;
	size_t len;
	uint64_t vaddr;
};

/* The next one from *at on (an offset, which then is past its first byte) that moves a pointer
 * from or to such an offset of a structure. */
bool scan_move(const struct scan *s, uint16_t offset, size_t *at, struct insn_move *ret_move);

/* Where a byte at such an offset of a structure is compared with 0: their number, max at most. */
int scan_byte_tests(const struct scan *s, uint8_t offset, uint64_t *ret_vaddr, int max);

/*
 * Where a 16-bit word is compared with 0: fn is called with the address behind the comparison,
 * until it returns false. False: it did, or the code refers to the word in another way than by
 * its address.
 */
typedef bool scan_fn(void *ctx, uint64_t vaddr);
bool scan_word_tests(const struct scan *s, uint64_t word, scan_fn *fn, void *ctx);

#endif
