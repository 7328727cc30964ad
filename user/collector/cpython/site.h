/* SPDX-License-Identifier: MIT */
/*
 * Chooses the instruction on which a uprobe is put. The kernel executes a few
 * instructions itself (arch/insn.h: emulated) and
 * single-steps all others, at nearly four times the price, so it pays to move a few
 * instructions on, as long as what we read there is still the same.
 */
#ifndef FT_SITE_H
#define FT_SITE_H

#include "discover/elf.h"
#include "model/hooks.h"

struct site {
	uint64_t vaddr;
	enum hook_cost cost;
};

/* In an opcode's handler: before the interpreter leaves the frame. */
int site_in_handler(struct elf *e, uint64_t handler, struct site *ret_site);
/* What a handler's straight line, jumps followed, calls first; -ENOENT. */
int site_first_call(struct elf *e, uint64_t handler, uint64_t *ret_function);
/* Does the straight line from a handler on, calls included, pass that instruction? */
bool site_passes(struct elf *e, uint64_t handler, uint64_t vaddr, size_t max_bytes);
/* Where a function that is nothing but a jump leads; else the function itself. */
uint64_t site_behind_jump(struct elf *e, uint64_t function);
/* At the start of a function, while its arguments are in their registers. */
int site_at_function(struct elf *e, uint64_t function, struct site *ret_site);
/* For a probe at a function's return: near its start, where the return address lies on top of the
 * stack. Arguments may be gone. */
int site_for_return(struct elf *e, uint64_t function, struct site *ret_site);
/* What a probe on this very instruction costs. */
int site_at(struct elf *e, uint64_t vaddr, struct site *ret_site);

#endif
