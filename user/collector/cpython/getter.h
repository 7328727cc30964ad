/* SPDX-License-Identifier: MIT */
/* Follows the code of a function that only reads a word. */
#ifndef FT_GETTER_H
#define FT_GETTER_H

#include "arch/insn.h"
#include "arch/machine.h"
#include "discover/elf.h"

/*
 * Calls fn for each instruction from the start of the function on, until it returns false. True:
 * the function's return was reached.
 */
typedef bool getter_fn(void *ctx, const struct insn *insn);
bool getter_read(struct elf *e, uint64_t function, getter_fn *fn, void *ctx);

#endif
