/* SPDX-License-Identifier: MIT */
/* The constants of the machine that we are built for. Each folder of arch/ defines them. */
#ifndef FT_MACHINE_H
#define FT_MACHINE_H

#include <stdint.h>

#define MACHINE_ARGUMENTS 2

struct machine {
	const char *name;
	uint16_t elf; /* Elf64_Ehdr.e_machine */
	/* Types of relocations, by what the word becomes: bias + addend; symbol's address + addend;
	 * symbol's address. */
	uint32_t relative, symbol, slot;
	/* Registers, by their numbers in instructions. */
	uint8_t argument[MACHINE_ARGUMENTS]; /* the first ones of a function */
	uint8_t result, stack;
	uint32_t kept; /* those that a call preserves: one bit per register */
	uint8_t nop;   /* of one byte */
};

extern const struct machine machine;

#endif
