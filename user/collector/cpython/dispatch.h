/* SPDX-License-Identifier: MIT */
/*
 * Finds the interpreter's dispatch table (the computed-goto table opcode_targets of
 * Python/opcode_targets.h) in a binary that may be stripped: 256 code addresses, one per opcode,
 * recognised by the opcodes that the release does not define.
 */
#ifndef FT_DISPATCH_H
#define FT_DISPATCH_H

#include "cpython/facts.h"
#include "discover/elf.h"

#define DISPATCH_ENTRIES 256

struct dispatch {
	uint64_t table;			    /* vaddr */
	uint64_t handler[DISPATCH_ENTRIES]; /* vaddr by opcode */
};

/* -ENOEXEC (exit 6) unless there is exactly one such table. */
int dispatch_find(struct elf *e, const struct cpython_facts *facts, struct dispatch *ret,
		  struct why *w);

#endif
