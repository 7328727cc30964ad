/* SPDX-License-Identifier: MIT */
#include <elf.h>

#include "arch/machine.h"

enum { RAX = 0, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7, R12 = 12, R13, R14, R15 };

const struct machine machine = {
	.name = "x86-64",
	.elf = EM_X86_64,
	.relative = R_X86_64_RELATIVE,
	.symbol = R_X86_64_64,
	.slot = R_X86_64_GLOB_DAT,
	.argument = {RDI, RSI},
	.result = RAX,
	.stack = RSP,
	.kept = 1 << RBX | 1 << RBP | 1 << R12 | 1 << R13 | 1 << R14 | 1 << R15,
	.nop = 0x90,
};
