/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "cpython/getter.h"
#include "cpython/tstate.h"

/* What the getter has read so far. */
struct reader {
	struct elf *elf;
	uint64_t base; /* the value of the last register that was followed; 0 = unknown */
	uint64_t word; /* the last word that was read */
};

static bool follow(void *ctx, const struct insn *i)
{
	const struct insn_source *src = &i->source;
	struct reader *r = ctx;
	uint64_t pointer;

	if (src->kind == SOURCE_NONE)
		return true;
	if (src->base == BASE_CODE)
		r->word = src->place;
	else
		r->word = r->base ? r->base + src->place : 0;
	if (src->kind == SOURCE_ADDRESS)
		r->base = r->word;
	else /* a slot of the GOT holds the address of _PyRuntime */
		r->base = !r->word || elf_pointer(r->elf, r->word, &pointer) ? 0 : pointer;
	return true;
}

/*
 * The address of the word that _PyThreadState_UncheckedGet() returns. Its body loads
 *
 *     the word _PyRuntime+OFFSET                            in an executable,
 *     the address of _PyRuntime from the GOT, then the word     in a library.
 *
 * 0 if it has another form (then there is nothing to compare with).
 */
static uint64_t decode_getter(struct elf *e, uint64_t address)
{
	struct reader r = {.elf = e};

	return getter_read(e, address, follow, &r) ? r.word : 0;
}

int tstate_find(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		uint64_t *ret_vaddr, struct why *w)
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
	*ret_vaddr = expected;
	return 0;
}
