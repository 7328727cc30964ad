/* SPDX-License-Identifier: MIT */
/*
 * .symtab, which a program has if it was linked without -rdynamic and not stripped. It names every
 * static function too, so it is read only if the one name that matters is in it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "discover/elf.h"

#define NAMES_MAX (64ULL << 20) /* no program with an interpreter has more */

static bool window_has(void *want, const uint8_t *data, size_t len, uint64_t at)
{
	const char *text = want;

	return memmem(data, len, text, strlen(text) + 1);
}

static bool names_it(struct elf *e, const Elf64_Shdr *names, const char *symbol)
{
	return bytes_scan(&e->bytes, names->sh_offset, names->sh_size, strlen(symbol), window_has,
			  (void *)symbol);
}

/* Empty where the table does not name that symbol. */
static struct elf_symbols read_table(struct elf *e, const char *symbol)
{
	struct elf_symbols t = {0};
	Elf64_Shdr table, names;

	if (elf_section(e, ".symtab", &table) || table.sh_type != SHT_SYMTAB ||
	    table.sh_offset & 7 || elf_section_at(e, table.sh_link, &names) ||
	    names.sh_type != SHT_STRTAB || names.sh_size > NAMES_MAX ||
	    !names_it(e, &names, symbol))
		return t;
	t.at = bytes_at(&e->bytes, table.sh_offset, table.sh_size);
	t.names = bytes_at(&e->bytes, names.sh_offset, names.sh_size);
	t.names_size = names.sh_size;
	if (t.at && t.names && table.sh_size / sizeof(Elf64_Sym) <= UINT32_MAX)
		t.count = table.sh_size / sizeof(Elf64_Sym);
	return t;
}

void elf_load_full(struct elf *e, const char *symbol)
{
	Elf64_Sym s;

	if (elf_symbol(e, symbol, &s))
		e->full = read_table(e, symbol);
}

/* NAME itself, or NAME.part.0, NAME.constprop.1, ...; not NAME.cold, which nothing calls. */
static bool is_variant(const struct elf_symbols *t, const Elf64_Sym *s, const char *name)
{
	static const char cold[] = ".cold";
	size_t len = strlen(name),
	       left = s->st_name < t->names_size ? t->names_size - s->st_name : 0;
	const char *text = t->names + s->st_name;

	if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || left <= len + sizeof(cold) ||
	    memcmp(text, name, len))
		return false;
	text += len;
	return !*text || (*text == '.' && memcmp(text, cold, sizeof(cold) - 1));
}

int elf_static_function(struct elf *e, const char *name, uint64_t *ret_vaddr)
{
	struct elf_symbols t = read_table(e, name);
	const Elf64_Sym *found = NULL;

	for (uint32_t i = 0; i < t.count && budget_symbols(e->budget, 1); i++) {
		if (!is_variant(&t, &t.at[i], name))
			continue;
		if (found)
			return -ENOENT;
		found = &t.at[i];
	}
	if (!found || t.names[found->st_name + strlen(name)])
		return -ENOENT;
	*ret_vaddr = found->st_value;
	return 0;
}
