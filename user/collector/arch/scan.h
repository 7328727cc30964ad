/* SPDX-License-Identifier: MIT */
/*
 * Searches code for the bytes of instructions of a certain form, at every offset and not only where
 * an instruction begins: the few results are checked by the caller. Each folder of arch/ implements
 * it.
 */
#ifndef FT_SCAN_H
#define FT_SCAN_H

#include "arch/insn.h"

/* Code and its address. */
struct scan {
	const uint8_t *code;
	size_t len;
	uint64_t vaddr;
};

/* The next instruction from *at on (an offset, which is then past the instruction's first byte)
 * that moves a pointer from or to this offset of a structure. */
bool scan_move(const struct scan *s, uint16_t offset, size_t *at, struct insn_move *ret_move);

/* Finds instructions that compare a byte at this offset of a structure with 0: their number, at
 * most max. */
int scan_byte_tests(const struct scan *s, uint8_t offset, uint64_t *ret_vaddr, int max);

/*
 * Finds instructions that compare a 16-bit word with 0: fn is called with the address after each,
 * until it returns false. False: fn did, or some code refers to the word otherwise than by taking
 * its address.
 */
typedef bool scan_fn(void *ctx, uint64_t vaddr);
bool scan_word_tests(const struct scan *s, uint64_t word, scan_fn *fn, void *ctx);

#endif
