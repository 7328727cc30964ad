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
 * So the first conditional jump on the straight line is a test that precedes the frame
 * switch. A call is never taken and never passed: on a path without tests it could be the
 * one that drops the frame (3.13's RETURN_VALUE calls _PyEval_FrameClearAndPop first).
 * An unconditional jump may be the site but is not followed: behind it lies code that
 * other handlers share.
 */
#include <capstone/capstone.h>
#include <errno.h>

#include "cpython/site.h"

#define MAX_BYTES 160 /* the farthest site in any known build is at +55 */
#define MAX_INSNS 32

struct walk {
	csh cs;
	cs_insn *insn;
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
	if (cs_open(CS_ARCH_X86, CS_MODE_64, &k->cs))
		return -ENOMEM;
	cs_option(k->cs, CS_OPT_DETAIL, CS_OPT_ON);
	k->insn = cs_malloc(k->cs);
	return 0;
}

static void walk_end(struct walk *k)
{
	cs_free(k->insn, 1);
	cs_close(&k->cs);
}

static bool walk_next(struct walk *k)
{
	return k->steps++ < MAX_INSNS && cs_disasm_iter(k->cs, &k->code, &k->left, &k->at, k->insn);
}

static bool is_nop5(const cs_insn *i)
{
	return i->size == 5 && i->bytes[0] == 0x0f && i->bytes[1] == 0x1f;
}

/*
 * What arch/x86/kernel/uprobes.c emulates since 5.0: push of a register (with no prefix
 * but REX.B), jumps and calls relative to rip, and the one-byte nop. A 66 prefix on a
 * jump makes the kernel refuse the probe. Longer nops are emulated by new kernels only.
 */
static bool is_emulated(const cs_insn *i)
{
	const uint8_t *b = i->bytes;

	if (i->size == 2 && b[0] == 0x41)
		return b[1] >= 0x50 && b[1] <= 0x57; /* push r8..r15 */
	if (i->size == 1)
		return (b[0] >= 0x50 && b[0] <= 0x57) || b[0] == 0x90;
	if (i->size == 2)
		return b[0] == 0xeb || (b[0] >= 0x70 && b[0] <= 0x7f);
	if (i->size == 5)
		return b[0] == 0xe9 || b[0] == 0xe8;
	return i->size == 6 && b[0] == 0x0f && b[1] >= 0x80 && b[1] <= 0x8f;
}

static enum hook_cost cost_of(const cs_insn *i)
{
	if (is_emulated(i))
		return HOOK_EMULATED;
	return HOOK_SINGLE_STEPPED;
}

/* Behind these the straight line is no longer this handler's. */
static bool ends_the_line(const cs_insn *i)
{
	return i->id == X86_INS_CALL || i->id == X86_INS_LCALL || i->id == X86_INS_JMP ||
	       i->id == X86_INS_LJMP || i->id == X86_INS_RET || i->id == X86_INS_RETF ||
	       i->id == X86_INS_SYSCALL || i->id == X86_INS_INT3 || i->id == X86_INS_UD2 ||
	       i->id == X86_INS_HLT;
}

int site_at(struct elf *e, uint64_t vaddr, struct site *ret_site)
{
	struct walk k;
	int err = walk_start(&k, e, vaddr, MAX_BYTES);

	if (err)
		return err;
	/* Kernels from 6.18 on make of a probe on a nop of five bytes a call to a page that fork
	 * does not copy: a child that comes there dies. Behind it is the same place. */
	do {
		err = walk_next(&k) ? 0 : -ENOENT;
	} while (!err && is_nop5(k.insn));
	if (!err)
		*ret_site = (struct site){k.insn->address, cost_of(k.insn)};
	walk_end(&k);
	return err;
}

static bool moves_stack(const struct walk *k)
{
	cs_regs read, written;
	uint8_t reads, writes;

	if (cs_regs_access(k->cs, k->insn, read, &reads, written, &writes))
		return true; /* not known */
	for (int i = 0; i < writes; i++)
		if (written[i] == X86_REG_RSP || written[i] == X86_REG_ESP)
			return true;
	return false;
}

/* The first that is emulated on the straight line; at worst the first instruction. */
static int first_emulated(struct elf *e, uint64_t vaddr, bool stack_stays, struct site *ret_site)
{
	struct walk k;
	int err = site_at(e, vaddr, ret_site);

	if (!err)
		err = walk_start(&k, e, vaddr, MAX_BYTES);
	if (err)
		return err;
	while (walk_next(&k)) {
		if (k.insn->id != X86_INS_CALL && is_emulated(k.insn)) {
			*ret_site = (struct site){k.insn->address, HOOK_EMULATED};
			break;
		}
		if (ends_the_line(k.insn) || (stack_stays && moves_stack(&k)))
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
 * The kernel puts an address of its own in place of the one on top of the stack. At one instruction
 * the stack is as deep whichever way led there, so what was not moved up to the site is in its
 * place there each time.
 */
int site_for_return(struct elf *e, uint64_t function, struct site *ret_site)
{
	return first_emulated(e, function, true, ret_site);
}

/* The straight line up to its first call or jump; where that leads, or 0. */
static uint64_t line_leads_to(struct elf *e, uint64_t vaddr, unsigned *ret_insn)
{
	uint64_t target = 0;
	struct walk k;

	if (walk_start(&k, e, vaddr, MAX_BYTES))
		return 0;
	while (walk_next(&k)) {
		const cs_x86_op *op = &k.insn->detail->x86.operands[0];

		if (!ends_the_line(k.insn))
			continue;
		*ret_insn = k.insn->id;
		if (op->type == X86_OP_IMM)
			target = op->imm;
		break;
	}
	walk_end(&k);
	return target;
}

int site_first_call(struct elf *e, uint64_t handler, uint64_t *ret_function)
{
	/* Handlers with the same end share it: RETURN_VALUE jumps into RETURN_CONST. */
	for (int jumps = 0; handler && jumps < 3; jumps++) {
		unsigned insn = 0;

		handler = line_leads_to(e, handler, &insn);
		if (handler && insn == X86_INS_CALL) {
			*ret_function = handler;
			return 0;
		}
		if (insn != X86_INS_JMP)
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
	while (!passes && cs_disasm_iter(k.cs, &k.code, &k.left, &k.at, k.insn)) {
		passes = k.insn->address == vaddr;
		if (ends_the_line(k.insn) && k.insn->id != X86_INS_CALL)
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
	if (walk_next(&k) && (k.insn->id != X86_INS_ENDBR64 || walk_next(&k)) &&
	    k.insn->id == X86_INS_JMP && k.insn->detail->x86.operands[0].type == X86_OP_IMM)
		target = k.insn->detail->x86.operands[0].imm;
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
	/* Only endbr64 may be skipped: it changes no register, and what calls a function
	 * through a pointer lands on it, so nothing enters behind it. */
	if (walk_next(&k) && k.insn->id == X86_INS_ENDBR64 && !site_at(e, k.at, &second) &&
	    second.cost == HOOK_EMULATED)
		*ret_site = second;
	walk_end(&k);
	return 0;
}
