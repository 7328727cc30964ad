/* SPDX-License-Identifier: MIT */
#include <capstone/capstone.h>
#include <errno.h>

#include "cpython/memory.h"
#include "cpython/tls.h"

#define GETTER "_PyThreadState_GetCurrent"
#define MAX_BYTES 64
#define MAX_INSNS 10

/* What the getter's code says so far. */
struct getter {
	bool fs;	/* mov %fs:displacement, %rax */
	bool found;	/* ... or the read behind the call was seen */
	uint64_t block; /* lea block(%rip), %rdi: the GOT's pair {module, offset} */
	bool called;	/* call __tls_get_addr */
	int64_t displacement;
};

static void read_insn(struct getter *g, const cs_insn *i)
{
	const cs_x86_op *src = &i->detail->x86.operands[1];

	if (i->id == X86_INS_CALL) {
		g->called = g->block != 0;
		return;
	}
	if (src->type != X86_OP_MEM)
		return;
	if (i->id == X86_INS_LEA && src->mem.base == X86_REG_RIP) {
		g->block = i->address + i->size + src->mem.disp;
	} else if (i->id == X86_INS_MOV && src->mem.segment == X86_REG_FS) {
		g->fs = g->found = true;
		g->displacement = (int32_t)src->mem.disp;
	} else if (i->id == X86_INS_MOV && g->called && src->mem.base == X86_REG_RAX) {
		g->found = true;
		g->displacement = src->mem.disp;
	}
}

static bool decode(struct elf *e, uint64_t address, struct getter *g)
{
	const uint8_t *code;
	cs_insn *insn;
	size_t len;
	csh cs;

	code = elf_code(e, address, MAX_BYTES, &len);
	if (!code || cs_open(CS_ARCH_X86, CS_MODE_64, &cs))
		return false;
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	insn = cs_malloc(cs);
	for (int i = 0; i < MAX_INSNS && !g->found; i++) {
		if (!cs_disasm_iter(cs, &code, &len, &address, insn) || insn->id == X86_INS_RET)
			break;
		read_insn(g, insn);
	}
	cs_free(insn, 1);
	cs_close(&cs);
	return g->found;
}

/* The pair that the dynamic linker wrote: the module's number, the variable's offset. */
static int read_pair(const struct target *t, uint64_t vaddr, uint64_t ret[2], struct why *w)
{
	int err = memory_read(t->pid, t->bias + vaddr, ret, 2 * sizeof(ret[0]));

	if (!err && ret[0])
		return 0;
	if (err && err != -EIO)
		return why_exit(w, EXIT_NOT_PERMITTED, err, "cannot read the memory of pid %d",
				t->pid);
	return why_exit(w, EXIT_NO_PROCESS, -EAGAIN, "process %d has not loaded %s yet", t->pid,
			t->binary);
}

int tls_find(struct elf *e, const struct target *t, struct ft_layout *l, struct why *w)
{
	struct getter g = {0};
	uint64_t pair[2];
	Elf64_Sym s;
	int err;

	if (elf_symbol(e, GETTER, &s) || !decode(e, s.st_value, &g))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: %s is missing or not a plain read of a thread-local word: an "
				"unusual build of Python %d.%d",
				t->binary, GETTER, t->major, t->minor);
	if (g.fs) {
		l->tstate_how = FT_TSTATE_FS;
		l->tstate_addr = g.displacement;
		return 0;
	}
	err = read_pair(t, g.block, pair, w);
	if (err)
		return err;
	l->tstate_how = FT_TSTATE_DTV;
	l->tls_module = pair[0];
	l->tstate_addr = pair[1] + g.displacement;
	return 0;
}
