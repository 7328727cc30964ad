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

void elf_load_full(struct elf *e, const char *symbol)
{
	Elf64_Shdr table, names;
	Elf64_Sym s;

	if (!elf_symbol(e, symbol, &s) || elf_section(e, ".symtab", &table) ||
	    table.sh_type != SHT_SYMTAB || table.sh_offset & 7 ||
	    elf_section_at(e, table.sh_link, &names) || names.sh_type != SHT_STRTAB ||
	    names.sh_size > NAMES_MAX || !names_it(e, &names, symbol))
		return;
	e->full.at = bytes_at(&e->bytes, table.sh_offset, table.sh_size);
	e->full.names = bytes_at(&e->bytes, names.sh_offset, names.sh_size);
	e->full.names_size = names.sh_size;
	if (e->full.at && e->full.names && table.sh_size / sizeof(s) <= UINT32_MAX)
		e->full.count = table.sh_size / sizeof(s);
}
