/* SPDX-License-Identifier: MIT */
/*
 * Notes: the USDT probes of .note.stapsdt, which is not loaded and so is found through
 * the section headers, and the build-id, which is found through PT_NOTE.
 */
#include <errno.h>
#include <string.h>

#include "discover/elf.h"

#define NT_STAPSDT 3
#define MAX_SECTIONS 4096

struct note {
	uint32_t type;
	const char *name; /* with its NUL, or NULL */
	const uint8_t *desc;
	uint32_t namesz, descsz;
};

/* Reads the note at *at and advances *at; false at the end or at a malformed note. */
static bool next_note(const uint8_t *data, uint64_t size, uint64_t *at, struct note *n)
{
	uint64_t name_at, desc_at;
	Elf64_Nhdr h;

	if (*at > size || size - *at < sizeof(h))
		return false;
	memcpy(&h, data + *at, sizeof(h));
	name_at = *at + sizeof(h);
	desc_at = name_at + ((h.n_namesz + 3ULL) & ~3ULL);
	if (desc_at > size || h.n_descsz > size - desc_at)
		return false;
	*n = (struct note){.type = h.n_type,
			   .name = h.n_namesz ? (const char *)data + name_at : NULL,
			   .desc = data + desc_at,
			   .namesz = h.n_namesz,
			   .descsz = h.n_descsz};
	*at = desc_at + ((h.n_descsz + 3ULL) & ~3ULL);
	return true;
}

static bool owned_by(const struct note *n, const char *owner)
{
	return n->name && n->namesz == strlen(owner) + 1 && !memcmp(n->name, owner, n->namesz);
}

int elf_section_at(struct elf *e, uint32_t index, Elf64_Shdr *ret)
{
	const void *p = bytes_at(&e->bytes, e->header.e_shoff + (uint64_t)index * sizeof(*ret),
				 sizeof(*ret));

	if (!p || !e->header.e_shoff || e->header.e_shentsize != sizeof(*ret))
		return -ENOENT;
	memcpy(ret, p, sizeof(*ret));
	return 0;
}

int elf_section(struct elf *e, const char *name, Elf64_Shdr *ret)
{
	Elf64_Shdr names;

	if (elf_section_at(e, e->header.e_shstrndx, &names))
		return -ENOENT;
	for (int i = 0; i < e->header.e_shnum && i < MAX_SECTIONS; i++) {
		const char *text;

		if (elf_section_at(e, i, ret))
			return -ENOENT;
		if (ret->sh_name >= names.sh_size)
			continue;
		text = bytes_at(&e->bytes, names.sh_offset + ret->sh_name, strlen(name) + 1);
		if (text && !memcmp(text, name, strlen(name) + 1))
			return 0;
	}
	return -ENOENT;
}

/* Compares the two NUL-terminated strings after the three addresses of a stapsdt note. */
static bool probe_is(const struct note *n, const char *provider, const char *name)
{
	const char *text = (const char *)n->desc + 24;
	size_t left = n->descsz - 24, plen = strlen(provider) + 1, nlen = strlen(name) + 1;

	return left >= plen && !memcmp(text, provider, plen) && left - plen >= nlen &&
	       !memcmp(text + plen, name, nlen);
}

/* The third string, or "". */
static const char *arguments_of(const struct note *n)
{
	const char *text = (const char *)n->desc + 24, *end = (const char *)n->desc + n->descsz;

	text += strlen(text) + 1;
	text += strlen(text) + 1;
	return text < end && memchr(text, 0, end - text) ? text : "";
}

/*
 * Prelink moves a file's addresses but not those in unloaded notes: the note has the address that
 * .stapsdt.base had at link time, the section header the present one.
 */
static void take_probe(const struct note *n, uint64_t base_now, struct elf_usdt *ret)
{
	uint64_t address[3], moved;

	memcpy(address, n->desc, sizeof(address)); /* location, base, semaphore */
	moved = base_now && address[1] ? base_now - address[1] : 0;
	ret->location = address[0] + moved;
	ret->semaphore = address[2] ? address[2] + moved : 0;
	ret->arguments = arguments_of(n);
}

int elf_usdt(struct elf *e, const char *provider, const char *name, struct elf_usdt *ret_probes,
	     int max, struct why *w)
{
	const uint8_t *data;
	Elf64_Shdr notes, base;
	struct note n;
	uint64_t at = 0;
	int count = 0;

	if (elf_section(e, ".note.stapsdt", &notes))
		return 0;
	if (elf_section(e, ".stapsdt.base", &base))
		base.sh_addr = 0;
	data = bytes_at(&e->bytes, notes.sh_offset, notes.sh_size);
	if (!data)
		return why_exit(w, EXIT_PYTHON, -EBADMSG,
				"the USDT notes lie outside the ELF file (truncated?)");
	while (count < max && next_note(data, notes.sh_size, &at, &n) &&
	       budget_symbols(e->budget, 1))
		if (n.type == NT_STAPSDT && owned_by(&n, "stapsdt") && n.descsz > 24 &&
		    probe_is(&n, provider, name))
			take_probe(&n, base.sh_addr, &ret_probes[count++]);
	return count;
}

int elf_build_id(struct elf *e, uint8_t ret_id[ELF_BUILD_ID_MAX])
{
	for (int i = 0; i < e->nnote; i++) {
		const Elf64_Phdr *p = &e->note[i];
		const uint8_t *data = bytes_at(&e->bytes, p->p_offset, p->p_filesz);
		struct note n;
		uint64_t at = 0;

		while (data && next_note(data, p->p_filesz, &at, &n) &&
		       budget_symbols(e->budget, 1)) {
			if (n.type != NT_GNU_BUILD_ID || !owned_by(&n, "GNU") ||
			    n.descsz > ELF_BUILD_ID_MAX)
				continue;
			memcpy(ret_id, n.desc, n.descsz);
			return n.descsz;
		}
	}
	return 0;
}
