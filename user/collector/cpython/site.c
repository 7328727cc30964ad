/* SPDX-License-Identifier: MIT */
/*
 * Why the site is right. An opcode's handler (Python/ceval.c, 3.11) begins by storing
 * frame->prev_instr, then:
 *
 *   RESUME        tests co_warmup, then the eval breaker;
 *   RETURN_VALUE  pops the value (it stays in its slot), stores the stack pointer, tests
 *                 cframe.use_tracing, then the dtrace semaphore, and only then leaves the
 *                 frame (pop_frame, or tstate->cframe = cframe.previous);
 *   YIELD_VALUE   the same, with the frame switch at its end.
 *
 * So the first conditional jump on the straight line is a test that precedes the frame switch. A
 * call is never the site and never passed: on a path without tests it could be the call that drops
 * the frame (3.13's RETURN_VALUE calls _PyEval_FrameClearAndPop first). An unconditional jump may
 * be the site but is not followed: its target is code that other handlers share.
 */
#include <errno.h>

#include "arch/insn.h"
#include "arch/machine.h"
#include "cpython/site.h"

#define MAX_BYTES 160 /* the farthest site in any known build is at +55 */
#define MAX_INSNS 32

struct walk {
	struct insn_reader *reader;
	struct insn insn;
	const uint8_t *code;
	size_t left;
	uint64_t at;
	int steps;
};

static int walk_start(struct walk *k, struct elf *e, uint64_t vaddr, size_t max_bytes)
{
	*k = (struct walk){.at = vaddr};
	k->code = elf_code(e, vaddr, max_bytes, &k->left);
	if (!k->code)
		return -ENOENT;
	k->reader = insn_reader_new();
	return k->reader ? 0 : -ENOMEM;
}

static void walk_end(struct walk *k)
{
	insn_reader_free(k->reader);
}

static bool walk_on(struct walk *k)
{
	if (!insn_read(k->reader, k->code, k->left, k->at, &k->insn))
		return false;
	k->code += k->insn.len;
	k->left -= k->insn.len;
	k->at += k->insn.len;
	return true;
}

static bool walk_next(struct walk *k)
{
	return k->steps++ < MAX_INSNS && walk_on(k);
}

static enum hook_cost cost_of(const struct insn *i)
{
	return i->emulated ? HOOK_EMULATED : HOOK_SINGLE_STEPPED;
}

/* After such an instruction the code is no longer this handler's alone. */
static bool ends_the_line(const struct insn *i)
{
	return i->flow != INSN_ON && i->flow != INSN_BRANCH;
}

int site_at(struct elf *e, uint64_t vaddr, struct site *ret_site)
{
	struct walk k;
	int err = walk_start(&k, e, vaddr, MAX_BYTES);

	if (err)
		return err;
	/* New kernels replace such a nop with a call to a page that fork does not copy: a child
	 * that executes it dies. The instruction after the nop serves as well. */
	do {
		err = walk_next(&k) ? 0 : -ENOENT;
	} while (!err && k.insn.patchable);
	if (!err)
		*ret_site = (struct site){k.insn.vaddr, cost_of(&k.insn)};
	walk_end(&k);
	return err;
}

static bool moves_stack(const struct insn *i)
{
	return i->written >> machine.stack & 1; /* or not known */
}

/* The first emulated instruction on the straight line; else the first instruction. */
static int first_emulated(struct elf *e, uint64_t vaddr, bool stack_stays, struct site *ret_site)
{
	struct walk k;
	int err = site_at(e, vaddr, ret_site);

	if (!err)
		err = walk_start(&k, e, vaddr, MAX_BYTES);
	if (err)
		return err;
	while (walk_next(&k)) {
		if (k.insn.flow != INSN_CALL && k.insn.emulated) {
			*ret_site = (struct site){k.insn.vaddr, HOOK_EMULATED};
			break;
		}
		if (ends_the_line(&k.insn) || (stack_stays && moves_stack(&k.insn)))
			break;
	}
	walk_end(&k);
	return 0;
}

int site_in_handler(struct elf *e, uint64_t handler, struct site *ret_site)
{
	return first_emulated(e, handler, false, ret_site);
}

/*
 * A uretprobe replaces the word on top of the stack, which must be the return address. Every path
 * to an instruction has the same stack depth there, so if no instruction up to the site moves the
 * stack pointer, the return address is on top each time.
 */
int site_for_return(struct elf *e, uint64_t function, struct site *ret_site)
{
	return first_emulated(e, function, true, ret_site);
}

/* Follows the straight line up to its first call or jump; returns the target of that, or 0. */
static uint64_t line_leads_to(struct elf *e, uint64_t vaddr, enum insn_flow *ret_flow)
{
	uint64_t target = 0;
	struct walk k;

	if (walk_start(&k, e, vaddr, MAX_BYTES))
		return 0;
	while (walk_next(&k)) {
		if (!ends_the_line(&k.insn))
			continue;
		*ret_flow = k.insn.flow;
		target = k.insn.target;
		break;
	}
	walk_end(&k);
	return target;
}

int site_first_call(struct elf *e, uint64_t handler, uint64_t *ret_function)
{
	/* Handlers with the same end share it: RETURN_VALUE jumps into RETURN_CONST. */
	for (int jumps = 0; handler && jumps < 3; jumps++) {
		enum insn_flow flow = INSN_ON;

		handler = line_leads_to(e, handler, &flow);
		if (handler && flow == INSN_CALL) {
			*ret_function = handler;
			return 0;
		}
		if (flow != INSN_JUMP)
			break;
	}
	return -ENOENT;
}

bool site_passes(struct elf *e, uint64_t handler, uint64_t vaddr, size_t max_bytes)
{
	bool passes = false;
	struct walk k;

	if (walk_start(&k, e, handler, max_bytes))
		return false;
	while (!passes && walk_on(&k)) {
		passes = k.insn.vaddr == vaddr;
		if (ends_the_line(&k.insn) && k.insn.flow != INSN_CALL)
			break;
	}
	walk_end(&k);
	return passes;
}

uint64_t site_behind_jump(struct elf *e, uint64_t function)
{
	uint64_t target = function;
	struct walk k;

	if (walk_start(&k, e, function, MAX_BYTES))
		return function;
	if (walk_next(&k) && (!k.insn.entry || walk_next(&k)) && k.insn.flow == INSN_JUMP &&
	    k.insn.target)
		target = k.insn.target;
	walk_end(&k);
	return target;
}

int site_at_function(struct elf *e, uint64_t function, struct site *ret_site)
{
	struct site second;
	struct walk k;
	int err = site_at(e, function, ret_site);

	if (err || ret_site->cost != HOOK_SINGLE_STEPPED)
		return err;
	err = walk_start(&k, e, function, MAX_BYTES);
	if (err)
		return err;
	/* Only the mark of an entry (insn.entry) may be skipped: it changes no register, and calls
	 * through pointers land on it, so no call enters after it. */
	if (walk_next(&k) && k.insn.entry && !site_at(e, k.at, &second) &&
	    second.cost == HOOK_EMULATED)
		*ret_site = second;
	walk_end(&k);
	return 0;
}
