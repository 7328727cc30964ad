/* SPDX-License-Identifier: MIT */
/*
 * Which words of a file hold an address of that file. In an ET_EXEC they are literal; in an ET_DYN
 * the loader writes them as R_*_RELATIVE (DT_RELA: the addend) or DT_RELR (packed list of places:
 * the word itself holds the value) say.
 */
#include <errno.h>
#include <string.h>

#include "arch/machine.h"
#include "discover/elf.h"

static const Elf64_Rela *rela_table(struct elf *e, size_t *ret_count)
{
	const Elf64_Rela *table = elf_at(e, e->rela.vaddr, e->rela.size);

	*ret_count = table ? e->rela.size / sizeof(*table) : 0;
	return table;
}

static int word_at(struct elf *e, uint64_t vaddr, uint64_t *ret_word)
{
	const void *p = elf_at(e, vaddr, 8);

	if (!p)
		return -ENOENT;
	memcpy(ret_word, p, 8);
	return 0;
}

static void one_relr(struct elf *e, uint64_t where, elf_pointer_fn *fn, void *ctx)
{
	uint64_t value;

	if (budget_relocations(e->budget, 1) && !word_at(e, where, &value))
		fn(ctx, where, value);
}

/*
 * RELR: an even entry is an address; an odd one is a bitmap of the 63 words that follow
 * the last address (generic ABI, "Relative Relocation Table").
 */
static void each_relr(struct elf *e, elf_pointer_fn *fn, void *ctx)
{
	const uint64_t *table = elf_at(e, e->relr.vaddr, e->relr.size);
	uint64_t next = 0;

	for (size_t i = 0; table && i < e->relr.size / 8; i++) {
		uint64_t bits = table[i];

		/* This counts one relocation; the other 62 are counted as they come. */
		if (!budget_relocations(e->budget, 1))
			return;
		if (!(bits & 1)) {
			one_relr(e, bits, fn, ctx);
			next = bits + 8;
			continue;
		}
		for (uint64_t at = next; bits >>= 1; at += 8)
			if (bits & 1)
				one_relr(e, at, fn, ctx);
		next += 63 * 8;
	}
}

struct literals {
	struct elf *elf;
	elf_pointer_fn *fn;
	void *ctx;
	uint64_t bias; /* virtual address - offset in the file */
};

static bool literals(void *ctx, const uint8_t *data, size_t len, uint64_t offset)
{
	const struct literals *l = ctx;
	uint64_t value;

	if (!budget_relocations(l->elf->budget, len / 8))
		return true;
	for (size_t at = 0; at + 8 <= len; at += 8) {
		memcpy(&value, data + at, 8);
		l->fn(l->ctx, l->bias + offset + at, value);
	}
	return false;
}

static void each_literal(struct elf *e, elf_pointer_fn *fn, void *ctx)
{
	struct literals l = {.elf = e, .fn = fn, .ctx = ctx};

	for (int i = 0; i < e->nload; i++) {
		const Elf64_Phdr *p = &e->load[i];
		uint64_t start = (p->p_vaddr + 7) & ~7ULL, skip = start - p->p_vaddr;

		if ((p->p_flags & PF_X) || p->p_filesz < skip + 8)
			continue;
		l.bias = p->p_vaddr - p->p_offset;
		bytes_scan(&e->bytes, p->p_offset + skip, (p->p_filesz - skip) & ~7ULL, 0, literals,
			   &l);
	}
}

void elf_each_relative(struct elf *e, elf_pointer_fn *fn, void *ctx)
{
	const Elf64_Rela *table;
	size_t count;

	if (e->header.e_type == ET_EXEC)
		each_literal(e, fn, ctx);
	table = rela_table(e, &count);
	for (size_t i = 0; i < count && budget_relocations(e->budget, 1); i++)
		if (ELF64_R_TYPE(table[i].r_info) == machine.relative)
			fn(ctx, table[i].r_offset, table[i].r_addend);
	each_relr(e, fn, ctx);
}

struct wanted {
	uint64_t where, value;
	bool found;
};

static void is_wanted(void *ctx, uint64_t where, uint64_t value)
{
	struct wanted *want = ctx;

	if (where == want->where) {
		want->value = value;
		want->found = true;
	}
}

/* Relocations of these types name a symbol; only a symbol that this file defines has a value. */
static bool by_symbol(struct elf *e, struct wanted *want)
{
	size_t count;
	const Elf64_Rela *table = rela_table(e, &count);

	for (size_t i = 0; i < count && budget_relocations(e->budget, 1); i++) {
		uint64_t type = ELF64_R_TYPE(table[i].r_info), sym = ELF64_R_SYM(table[i].r_info);

		if (table[i].r_offset != want->where ||
		    (type != machine.symbol && type != machine.slot))
			continue;
		if (sym >= e->nsymbols || e->symbol[sym].st_shndx == SHN_UNDEF)
			return false;
		want->value = e->symbol[sym].st_value +
			      (type == machine.symbol ? (uint64_t)table[i].r_addend : 0);
		return true;
	}
	return false;
}

int elf_pointer(struct elf *e, uint64_t vaddr, uint64_t *ret_value)
{
	struct wanted want = {.where = vaddr};

	if (e->header.e_type == ET_EXEC)
		want.found = !word_at(e, vaddr, &want.value) && want.value;
	else
		elf_each_relative(e, is_wanted, &want);
	if (!want.found && !by_symbol(e, &want))
		return -ENOENT;
	*ret_value = want.value;
	return 0;
}
