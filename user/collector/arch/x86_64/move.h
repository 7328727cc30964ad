/* SPDX-License-Identifier: MIT */
/* Reads a move between a register and a structure from its bytes. Private to this folder. */
#ifndef FT_MOVE_H
#define FT_MOVE_H

#include "arch/insn.h"

/* Is there `mov offset(%base), %reg` or `mov %reg, offset(%base)` at p, with a one-byte offset? */
static inline bool move_at(const uint8_t *p, size_t left, struct insn_move *ret)
{
	uint8_t rex, modrm;
	bool sib;

	if (left < 4 || (p[0] & 0xfa) != 0x48 || (p[1] != 0x8b && p[1] != 0x89))
		return false;
	rex = p[0];
	modrm = p[2];
	sib = (modrm & 7) == 4; /* follows for r12, and for rsp, the stack */
	if (modrm >> 6 != 1 || left < 4u + sib || (sib && (p[3] != 0x24 || !(rex & 1))))
		return false;
	*ret = (struct insn_move){
		.stores = p[1] == 0x89,
		.reg = (modrm >> 3 & 7) | (rex & 4) << 1,
		.base = (modrm & 7) | (rex & 1) << 3,
		.offset = p[3 + sib],
		.len = 4 + sib,
	};
	return true;
}

#endif
