/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cpython/getter.h"
#include "cpython/memory.h"
#include "cpython/tls.h"

#define GETTER "_PyThreadState_GetCurrent"

/* What the getter's code has shown so far. */
struct tls_read {
	bool direct;	/* the word is at a fixed offset from the thread pointer */
	bool found;	/* the read of the word was seen */
	uint64_t block; /* the GOT's pair {module, offset}, whose address is loaded first */
	bool called;	/* __tls_get_addr */
	int64_t displacement;
};

static bool read_insn(void *ctx, const struct insn *i)
{
	const struct insn_source *src = &i->source;
	struct tls_read *r = ctx;

	if (i->flow == INSN_CALL) {
		r->called = r->block != 0;
	} else if (src->kind == SOURCE_ADDRESS && src->base == BASE_CODE) {
		r->block = src->place;
	} else if (src->kind == SOURCE_WORD && src->base == BASE_THREAD) {
		r->direct = r->found = true;
		r->displacement = src->place;
	} else if (src->kind == SOURCE_WORD && r->called && src->base == BASE_REGISTER &&
		   src->reg == machine.result) {
		r->found = true;
		r->displacement = src->place;
	}
	return !r->found;
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

int tls_find(struct elf *e, const struct target *t, struct binary_layout *ret, struct why *w)
{
	struct tls_read r = {0};
	Elf64_Sym s;

	if (!elf_symbol(e, GETTER, &s))
		(void)getter_read(e, s.st_value, read_insn, &r);
	if (!r.found)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s: %s is missing or not a plain read of a thread-local word: an "
				"unusual build of Python %d.%d",
				t->binary, GETTER, t->major, t->minor);
	ret->layout.tstate_how = r.direct ? FT_TSTATE_TP : FT_TSTATE_DTV;
	ret->layout.tstate_addr = r.displacement;
	ret->tls_pair = r.block;
	return 0;
}

int tls_resolve(const struct target *t, const struct binary_layout *file, struct ft_layout *l,
		struct why *w)
{
	uint64_t pair[2];
	int err;

	if (l->tstate_how != FT_TSTATE_DTV)
		return 0;
	err = read_pair(t, file->tls_pair, pair, w);
	if (err)
		return err;
	l->tls_pair = t->bias + file->tls_pair;
	l->tls_module = pair[0];
	l->tstate_addr += pair[1];
	return 0;
}
