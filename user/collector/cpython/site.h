/* SPDX-License-Identifier: MIT */
/*
 * Chooses the instruction on which to put a uprobe. The kernel emulates a few instructions
 * (arch/insn.h) and single-steps all others, which costs nearly four times as much. So it pays to
 * move a few instructions further, as long as the values that are read there stay the same.
 */
#ifndef FT_SITE_H
#define FT_SITE_H

#include "discover/elf.h"
#include "model/hooks.h"

struct site {
	uint64_t vaddr;
	enum hook_cost cost;
};

/* In an opcode's handler, before the interpreter leaves the frame. */
int site_in_handler(struct elf *e, uint64_t handler, struct site *ret_site);
/* The first function that a handler's straight line calls, with jumps followed; -ENOENT. */
int site_first_call(struct elf *e, uint64_t handler, uint64_t *ret_function);
/* Does the straight line of a handler, continued after calls, pass that instruction? */
bool site_passes(struct elf *e, uint64_t handler, uint64_t vaddr, size_t max_bytes);
/* The target of a function that only jumps; else the function itself. */
uint64_t site_behind_jump(struct elf *e, uint64_t function);
/* At the start of a function, while its arguments are in their registers. */
int site_at_function(struct elf *e, uint64_t function, struct site *ret_site);
/* For a uretprobe: near the function's start, where the return address is on top of the stack.
 * Argument registers may be overwritten there. */
int site_for_return(struct elf *e, uint64_t function, struct site *ret_site);
/* This very instruction, with the cost of a probe on it. */
int site_at(struct elf *e, uint64_t vaddr, struct site *ret_site);

#endif
