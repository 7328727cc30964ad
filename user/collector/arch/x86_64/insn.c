/* SPDX-License-Identifier: MIT */
/* The one file that knows the disassembler. */
#include <capstone/capstone.h>
#include <stdlib.h>

#include "arch/insn.h"
#include "arch/machine.h"
#include "move.h"

#define REGISTERS 16

struct insn_reader {
	csh cs;
	cs_insn *insn;
};

struct insn_reader *insn_reader_new(void)
{
	struct insn_reader *r = calloc(1, sizeof(*r));

	if (!r || cs_open(CS_ARCH_X86, CS_MODE_64, &r->cs)) {
		free(r);
		return NULL;
	}
	cs_option(r->cs, CS_OPT_DETAIL, CS_OPT_ON);
	r->insn = cs_malloc(r->cs);
	if (r->insn)
		return r;
	insn_reader_free(r);
	return NULL;
}

void insn_reader_free(struct insn_reader *r)
{
	if (!r)
		return;
	if (r->insn)
		cs_free(r->insn, 1);
	cs_close(&r->cs);
	free(r);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* Its number as in instructions; part of a register does not count as one. */
static int number_of(unsigned reg)
{
	static const unsigned wide[REGISTERS] = {
		X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
		X86_REG_RSI, X86_REG_RDI, X86_REG_R8,  X86_REG_R9,  X86_REG_R10, X86_REG_R11,
		X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15};
	static const unsigned half[REGISTERS] = {
		X86_REG_EAX,  X86_REG_ECX,  X86_REG_EDX,  X86_REG_EBX, X86_REG_ESP,  X86_REG_EBP,
		X86_REG_ESI,  X86_REG_EDI,  X86_REG_R8D,  X86_REG_R9D, X86_REG_R10D, X86_REG_R11D,
		X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D};

	for (int i = 0; i < REGISTERS; i++)
		if (wide[i] == reg || half[i] == reg)
			return i;
	return INSN_NO_REGISTER;
}

static uint32_t written_by(struct insn_reader *r)
{
	cs_regs read, written;
	uint8_t reads, writes;
	uint32_t bits = 0;

	if (cs_regs_access(r->cs, r->insn, read, &reads, written, &writes))
		return INSN_WRITES_UNKNOWN;
	for (int i = 0; i < writes; i++)
		bits |= 1u << number_of(written[i]);
	return bits & ~(1u << INSN_NO_REGISTER);
}

static uint8_t copied_by(const cs_insn *i)
{
	const cs_x86_op *op = i->detail->x86.operands;

	if (i->id != X86_INS_MOV || op[0].type != X86_OP_REG || op[1].type != X86_OP_REG ||
	    op[1].size != 8)
		return INSN_NO_REGISTER;
	return number_of(op[1].reg);
}

static uint8_t saved_by(const cs_insn *i)
{
	const cs_x86_op *op = i->detail->x86.operands;

	if (i->id == X86_INS_PUSH && op[0].type == X86_OP_REG)
		return number_of(op[0].reg);
	if (i->id == X86_INS_MOV && op[0].type == X86_OP_MEM && op[1].type == X86_OP_REG &&
	    number_of(op[0].mem.base) == machine.stack)
		return number_of(op[1].reg);
	return INSN_NO_REGISTER;
}

static struct insn_source source_of(const cs_insn *i)
{
	const cs_x86_op *op = &i->detail->x86.operands[1];
	struct insn_source s = {.kind = SOURCE_NONE};

	if ((i->id != X86_INS_MOV && i->id != X86_INS_LEA) || op->type != X86_OP_MEM)
		return s;
	s.place = op->mem.disp;
	s.kind = i->id == X86_INS_LEA ? SOURCE_ADDRESS : SOURCE_WORD;
	if (op->mem.base == X86_REG_RIP) {
		s.base = BASE_CODE;
		s.place += i->address + i->size;
	} else if (op->mem.segment == X86_REG_FS) {
		s.base = BASE_THREAD;
		s.place = (int32_t)op->mem.disp;
	} else {
		s.base = BASE_REGISTER;
		s.reg = number_of(op->mem.base);
	}
	return s;
}

/* ---- control flow --------------------------------------------------------------------------- */

static enum insn_flow flow_of(struct insn_reader *r)
{
	switch (r->insn->id) {
	case X86_INS_JMP:
	case X86_INS_LJMP:
		return INSN_JUMP;
	case X86_INS_CALL:
	case X86_INS_LCALL:
	case X86_INS_SYSCALL:
		return INSN_CALL;
	case X86_INS_INT3:
	case X86_INS_UD2:
	case X86_INS_HLT:
		return INSN_STOP;
	}
	if (cs_insn_group(r->cs, r->insn, X86_GRP_RET))
		return INSN_RETURN;
	return cs_insn_group(r->cs, r->insn, X86_GRP_JUMP) ? INSN_BRANCH : INSN_ON;
}

static uint64_t target_of(const cs_insn *i, enum insn_flow flow)
{
	const cs_x86_op *op = &i->detail->x86.operands[0];
	bool leads = flow == INSN_BRANCH || flow == INSN_JUMP || flow == INSN_CALL;

	return leads && op->type == X86_OP_IMM ? (uint64_t)op->imm : 0;
}

/* ---- probes ---------------------------------------------------------------------------------- */

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
		return (b[0] >= 0x50 && b[0] <= 0x57) || b[0] == machine.nop;
	if (i->size == 2)
		return b[0] == 0xeb || (b[0] >= 0x70 && b[0] <= 0x7f);
	if (i->size == 5)
		return b[0] == 0xe9 || b[0] == 0xe8;
	return i->size == 6 && b[0] == 0x0f && b[1] >= 0x80 && b[1] <= 0x8f;
}

/* From 6.18 on the kernel replaces a probed five-byte nop with a call to a page of its own. */
static bool is_nop5(const cs_insn *i)
{
	return i->size == 5 && i->bytes[0] == 0x0f && i->bytes[1] == 0x1f;
}

bool insn_read(struct insn_reader *r, const uint8_t *code, size_t len, uint64_t vaddr,
	       struct insn *ret_insn)
{
	const cs_insn *i = r->insn;
	struct insn insn;

	if (!cs_disasm_iter(r->cs, &code, &len, &vaddr, r->insn))
		return false;
	insn = (struct insn){
		.vaddr = i->address,
		.len = i->size,
		.flow = flow_of(r),
		.written = written_by(r),
		.copied = copied_by(i),
		.saved = saved_by(i),
		.source = source_of(i),
		.emulated = is_emulated(i),
		.entry = i->id == X86_INS_ENDBR64,
		.patchable = is_nop5(i),
	};
	insn.target = target_of(i, insn.flow);
	(void)move_at(i->bytes, i->size, &insn.move);
	*ret_insn = insn;
	return true;
}
