/* SPDX-License-Identifier: MIT */
/*
 * The dynamic section: the only tables that a stripped file still has. It does not say how many
 * symbols there are, since the loader never needs that, so the number is computed from the hash
 * table.
 */
#include <errno.h>
#include <string.h>

#include "discover/elf.h"

#define ENTRIES_MAX 4096 /* of the dynamic section; a program with 300 libraries has 330 */
#define NAME_MAX_BYTES 4096

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

static void keep_entry(struct elf *e, const Elf64_Dyn *d)
{
	switch (d->d_tag) {
	case DT_STRTAB:
		e->strings.vaddr = d->d_un.d_ptr;
		break;
	case DT_STRSZ:
		e->strings.size = d->d_un.d_val;
		break;
	case DT_SYMTAB:
		e->symbols.vaddr = d->d_un.d_ptr;
		break;
	case DT_HASH:
		e->sysv_hash = d->d_un.d_ptr;
		break;
	case DT_GNU_HASH:
		e->gnu_hash = d->d_un.d_ptr;
		break;
	case DT_SONAME:
		e->soname = d->d_un.d_val;
		break;
	case DT_RELA:
		e->rela.vaddr = d->d_un.d_ptr;
		break;
	case DT_RELASZ:
		e->rela.size = d->d_un.d_val;
		break;
	case DT_RELR:
		e->relr.vaddr = d->d_un.d_ptr;
		break;
	case DT_RELRSZ:
		e->relr.size = d->d_un.d_val;
		break;
	}
}

/* The last symbol of the GNU hash table: walk the chain of the highest bucket to its end. */
static uint32_t count_gnu(struct elf *e)
{
	const uint32_t *h = elf_at(e, e->gnu_hash, 16), *buckets, *link;
	uint64_t at;
	uint32_t nbuckets, first, last = 0;

	if (!h || h[0] > e->bytes.size / 4 || h[2] > e->bytes.size / 8)
		return 0;
	nbuckets = h[0];
	first = h[1];
	at = e->gnu_hash + 16 + h[2] * 8ULL;
	buckets = elf_at(e, at, nbuckets * 4ULL);
	if (!buckets)
		return 0;
	for (uint32_t i = 0; i < nbuckets; i++)
		if (buckets[i] > last)
			last = buckets[i];
	if (last < first)
		return first; /* nothing is exported: only imports, which come first */
	at += nbuckets * 4ULL;
	do {
		link = elf_at(e, at + (uint64_t)(last - first) * 4, 4);
		last++;
	} while (link && !(*link & 1) && last < e->bytes.size / sizeof(Elf64_Sym) &&
		 budget_symbols(e->budget, 1));
	return link ? last : 0;
}

static uint32_t count_sysv(struct elf *e)
{
	const uint32_t *h = elf_at(e, e->sysv_hash, 8);

	return h ? h[1] : 0;
}

/* Without a hash table, which every tool chain writes, the symbols end where the string table
 * begins. */
static uint32_t count_symbols(struct elf *e)
{
	uint64_t n = 0;

	if (e->gnu_hash)
		n = count_gnu(e);
	if (!n && e->sysv_hash)
		n = count_sysv(e);
	if (!n && e->strings.vaddr > e->symbols.vaddr)
		n = (e->strings.vaddr - e->symbols.vaddr) / sizeof(Elf64_Sym);
	return n <= e->bytes.size / sizeof(Elf64_Sym) ? n : 0;
}

/* Tables are read as arrays in place; x86 allows it unaligned, the sanitizers do not. */
static bool aligned(const struct elf *e)
{
	return !((e->symbols.vaddr | e->rela.vaddr | e->relr.vaddr) & 7) &&
	       !((e->gnu_hash | e->sysv_hash) & 3);
}

static bool offsets_keep_alignment(const struct elf *e)
{
	for (int i = 0; i < e->nload; i++)
		if ((e->load[i].p_offset - e->load[i].p_vaddr) & 7)
			return false;
	return true;
}

/* The entry at index; false: after the last. */
static bool entry(struct elf *e, uint64_t index, Elf64_Dyn *ret)
{
	const void *at;

	if (index >= ENTRIES_MAX || (index + 1) * sizeof(*ret) > e->dynamic_size)
		return false;
	at = bytes_at(&e->bytes, e->dynamic_offset + index * sizeof(*ret), sizeof(*ret));
	if (!at)
		return false;
	memcpy(ret, at, sizeof(*ret));
	return ret->d_tag != DT_NULL;
}

int elf_load_dynamic(struct elf *e, struct why *w)
{
	Elf64_Dyn d;

	if (!e->dynamic_size)
		return 0; /* a static program: no symbols, nothing is needed */
	if (e->dynamic_offset > e->bytes.size ||
	    e->dynamic_size > e->bytes.size - e->dynamic_offset)
		return why_exit(w, EXIT_PYTHON, -EBADMSG,
				"the ELF dynamic section lies outside the file (truncated?)");
	for (uint64_t i = 0; entry(e, i, &d); i++)
		keep_entry(e, &d);
	if (!aligned(e) || !offsets_keep_alignment(e))
		return why_exit(w, EXIT_PYTHON, -EBADMSG, "the ELF tables are not aligned");
	if (!e->symbols.vaddr || !e->strings.size)
		return 0;
	e->nsymbols = count_symbols(e);
	e->symbol = elf_at(e, e->symbols.vaddr, e->nsymbols * sizeof(Elf64_Sym));
	if (!e->nsymbols || !e->symbol || !elf_at(e, e->strings.vaddr, e->strings.size))
		return why_exit(w, EXIT_PYTHON, -EBADMSG,
				"the ELF symbol table lies outside the file (truncated?)");
	return 0;
}

/* A string of the table that ends inside it, or NULL. */
static const char *string_at(struct elf *e, uint64_t offset)
{
	const char *table = elf_at(e, e->strings.vaddr, e->strings.size);
	uint64_t left;

	if (!table || offset >= e->strings.size)
		return NULL;
	left = e->strings.size - offset;
	if (!memchr(table + offset, 0, left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES))
		return NULL;
	return table + offset;
}

/* An exported symbol is preferred to a local one of that name. */
static int find(struct elf *e, const struct elf_symbols *t, const char *name, Elf64_Sym *ret_symbol)
{
	size_t len = strlen(name) + 1;
	int err = -ENOENT;

	for (uint32_t i = 0; i < t->count && budget_symbols(e->budget, 1); i++) {
		const Elf64_Sym *s = &t->at[i];

		if (s->st_shndx == SHN_UNDEF || !s->st_value || s->st_name >= t->names_size ||
		    len > t->names_size - s->st_name || memcmp(t->names + s->st_name, name, len) ||
		    (!err && ELF64_ST_BIND(s->st_info) == STB_LOCAL))
			continue;
		*ret_symbol = *s;
		err = 0;
		if (ELF64_ST_BIND(s->st_info) != STB_LOCAL)
			break;
	}
	return err;
}

int elf_symbol(struct elf *e, const char *name, Elf64_Sym *ret_symbol)
{
	struct elf_symbols t = {
		.at = e->symbol,
		.count = e->nsymbols,
		.names = elf_at(e, e->strings.vaddr, e->strings.size),
		.names_size = e->strings.size,
	};

	if (t.names && !find(e, &t, name, ret_symbol))
		return 0;
	return find(e, &e->full, name, ret_symbol);
}

const char *elf_soname(struct elf *e)
{
	return e->soname ? string_at(e, e->soname) : NULL;
}

bool elf_needs(struct elf *e, const char *prefix)
{
	Elf64_Dyn d;

	for (uint64_t i = 0; entry(e, i, &d); i++) {
		const char *name;

		name = d.d_tag == DT_NEEDED ? string_at(e, d.d_un.d_val) : NULL;
		if (name && !strncmp(name, prefix, strlen(prefix)))
			return true;
	}
	return false;
}
