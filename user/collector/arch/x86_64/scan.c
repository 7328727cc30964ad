/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "arch/scan.h"
#include "move.h"

bool scan_move(const struct scan *s, uint16_t offset, size_t *at, struct insn_move *ret_move)
{
	for (size_t i = *at; i < s->len; i++) {
		if (!move_at(s->code + i, s->len - i, ret_move) || ret_move->offset != offset)
			continue;
		*at = i + 1;
		return true;
	}
	return false;
}

/* The length of `cmpb $0, offset(%register)` at p; 0: it is something else. */
static size_t tests_byte(const uint8_t *p, const uint8_t *end, uint8_t offset)
{
	size_t rex = (p[0] & 0xf0) == 0x40, sib;

	if (end - p < 6 || p[rex] != 0x80 || (p[rex + 1] & 0xf8) != 0x78)
		return 0;
	sib = (p[rex + 1] & 7) == 4;
	p += rex + 2 + sib;
	return p[0] == offset && p[1] == 0 ? rex + sib + 4 : 0;
}

int scan_byte_tests(const struct scan *s, uint8_t offset, uint64_t *ret_vaddr, int max)
{
	const uint8_t *p = s->code, *end = s->code + s->len;
	int n = 0;

	while (p < end && n < max) {
		size_t len = tests_byte(p, end, offset);

		if (len)
			ret_vaddr[n++] = s->vaddr + (p - s->code);
		p += len ?: 1;
	}
	return n;
}

/* cmpw $0, word(%rip): the displacement counts from the end of the instruction. */
#define COMPARES "\x66\x83\x3d"
#define OPCODE_BYTES 3
#define WORD_BYTES 4
#define IMMEDIATE_BYTES 1
#define IMMEDIATE_MAX 4

/* A lea does not count: the C runtime compares the address of a section, whose first word it may
 * be. */
static bool is_lea(const uint8_t *p)
{
	return p[-2] == 0x8d;
}

/* False: the four bytes at p refer to the word in another way. *ret_vaddr: the address after a
 * comparison. */
static bool look_at(const uint8_t *p, uint64_t vaddr, uint64_t word, uint64_t *ret_vaddr)
{
	uint64_t behind = vaddr + WORD_BYTES, immediate;
	int32_t value;

	memcpy(&value, p, sizeof(value));
	immediate = word - (behind + value);
	if (immediate > IMMEDIATE_MAX) /* tested first: true of nearly all bytes */
		return true;
	if (memcmp(p - OPCODE_BYTES, COMPARES, OPCODE_BYTES))
		return is_lea(p);
	if (immediate != IMMEDIATE_BYTES)
		return true; /* it compares another word */
	*ret_vaddr = behind + IMMEDIATE_BYTES;
	return !p[WORD_BYTES];
}

bool scan_word_tests(const struct scan *s, uint64_t word, scan_fn *fn, void *ctx)
{
	for (size_t i = OPCODE_BYTES; i + WORD_BYTES < s->len; i++) {
		uint64_t behind = 0;

		if (!look_at(s->code + i, s->vaddr + i, word, &behind) ||
		    (behind && !fn(ctx, behind)))
			return false;
	}
	return true;
}
