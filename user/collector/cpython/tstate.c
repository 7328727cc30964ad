/* SPDX-License-Identifier: MIT */
#include <capstone/capstone.h>
#include <errno.h>

#include "cpython/tstate.h"

#define MAX_BYTES 64
#define MAX_INSNS 8

/* What a memory operand of the form [rip + d] or [rax + d] reads, as seen on the way. */
struct reader {
	struct elf *elf;
	uint64_t base; /* what the last register that we followed holds; 0 = unknown */
	uint64_t word; /* the last word that was read */
};

static void follow(struct reader *r, const cs_insn *insn)
{
	const cs_x86_op *src = &insn->detail->x86.operands[1];
	uint64_t pointer;

	if (insn->id != X86_INS_MOV && insn->id != X86_INS_LEA)
		return;
	if (src->type != X86_OP_MEM)
		return;
	if (src->mem.base == X86_REG_RIP)
		r->word = insn->address + insn->size + src->mem.disp;
	else
		r->word = r->base ? r->base + src->mem.disp : 0;
	if (insn->id == X86_INS_LEA)
		r->base = r->word;
	else /* a slot of the GOT holds the address of _PyRuntime */
		r->base = !r->word || elf_pointer(r->elf, r->word, &pointer) ? 0 : pointer;
}

/*
 * The word that _PyThreadState_UncheckedGet() returns. Its body is
 *     mov _PyRuntime+OFFSET(%rip),%rax; ret                      in an executable,
 *     mov GOT(%rip),%rax; mov OFFSET(%rax),%rax; ret             in a library.
 * 0 when it is written in another way (then there is nothing to compare with).
 */
static uint64_t decode_getter(struct elf *e, uint64_t address)
{
	struct reader r = {.elf = e};
	uint64_t found = 0;
	const uint8_t *code;
	cs_insn *insn;
	size_t len;
	csh cs;

	code = elf_code(e, address, MAX_BYTES, &len);
	if (!code || cs_open(CS_ARCH_X86, CS_MODE_64, &cs))
		return 0;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	insn = cs_malloc(cs);
	for (int i = 0; i < MAX_INSNS && cs_disasm_iter(cs, &code, &len, &address, insn); i++) {
		if (insn->id == X86_INS_RET) {
			found = r.word;
			break;
		}
		follow(&r, insn);
	}
	cs_free(insn, 1);
	cs_close(&cs);
	return found;
}

int tstate_find(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		uint64_t *ret_address, struct why *w)
{
	Elf64_Sym runtime, getter;
	uint64_t expected, found = 0;

	if (elf_symbol(e, "_PyRuntime", &runtime))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s has no _PyRuntime symbol", t->binary);
	expected = runtime.st_value + facts->tstate_current;
	if (!elf_symbol(e, "_PyThreadState_UncheckedGet", &getter))
		found = decode_getter(e, getter.st_value);
	if (found && found != expected)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s is an unusual build of Python %d.%d: its thread state lies at "
				"_PyRuntime%+lld, looked for at +%d",
				t->binary, t->major, t->minor,
				(long long)(found - runtime.st_value), facts->tstate_current);
	*ret_address = t->bias + expected;
	return 0;
}
