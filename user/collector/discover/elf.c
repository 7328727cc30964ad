/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "arch/machine.h"
#include "discover/elf.h"

static int check_header(const Elf64_Ehdr *h, const char *path, struct why *w)
{
	if (memcmp(h->e_ident, ELFMAG, SELFMAG))
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s is not an ELF file", path);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB ||
	    h->e_machine != machine.elf)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s is not an %s file (class %d, machine %d); "
				"only 64-bit %s is supported",
				path, machine.name, h->e_ident[EI_CLASS], h->e_machine,
				machine.name);
	if (h->e_type != ET_EXEC && h->e_type != ET_DYN)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC,
				"%s is neither an executable nor a shared library (type %d)", path,
				h->e_type);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || !h->e_phnum || h->e_phnum == PN_XNUM)
		return why_exit(w, EXIT_PYTHON, -EBADMSG, "%s has no usable program headers", path);
	return 0;
}

/* vaddr + memsz and offset + filesz must not wrap: later sums rely on that. */
static bool sane(const Elf64_Phdr *p)
{
	return p->p_filesz <= p->p_memsz && p->p_vaddr + p->p_memsz >= p->p_vaddr &&
	       p->p_offset + p->p_filesz >= p->p_offset;
}

static int keep_segment(struct elf *e, const Elf64_Phdr *p)
{
	if (p->p_type == PT_LOAD) {
		if (e->nload == ELF_MAX_SEGMENTS || !sane(p))
			return -EBADMSG;
		e->load[e->nload++] = *p;
	} else if (p->p_type == PT_NOTE && e->nnote < ELF_MAX_SEGMENTS) {
		e->note[e->nnote++] = *p;
	} else if (p->p_type == PT_DYNAMIC) {
		e->dynamic_offset = p->p_offset;
		e->dynamic_size = p->p_filesz;
	}
	return 0;
}

static int load_segments(struct elf *e, const char *path, struct why *w)
{
	const uint8_t *table = bytes_at(&e->bytes, e->header.e_phoff,
					(uint64_t)e->header.e_phnum * sizeof(Elf64_Phdr));

	if (!table)
		return why_exit(w, EXIT_PYTHON, -EBADMSG,
				"%s: the program headers lie outside the file (truncated?)", path);
	for (int i = 0; i < e->header.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, table + i * sizeof(p), sizeof(p));
		if (keep_segment(e, &p))
			return why_exit(w, EXIT_PYTHON, -EBADMSG,
					"%s: program header %d makes no sense", path, i);
	}
	if (!e->nload)
		return why_exit(w, EXIT_PYTHON, -EBADMSG, "%s has nothing to load", path);
	return 0;
}

int elf_open(struct elf *e, const char *path, struct why *w)
{
	return elf_open_as(e, path, path, NULL, w);
}

int elf_open_as(struct elf *e, const char *path, const char *name, struct budget *budget,
		struct why *w)
{
	const void *header;
	int err;

	*e = (struct elf){.budget = budget ? budget : &e->own};
	if (!budget)
		budget_begin(&e->own);
	err = bytes_open(&e->bytes, path, name, e->budget, w);
	if (err)
		return err;
	header = bytes_at(&e->bytes, 0, sizeof(e->header));
	if (!header) {
		err = why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s is too short for an ELF file", name);
		goto out;
	}
	memcpy(&e->header, header, sizeof(e->header));
	err = check_header(&e->header, name, w);
	if (err)
		goto out;
	err = load_segments(e, name, w);
	if (err)
		goto out;
	err = elf_load_dynamic(e, w);
	if (!err)
		elf_load_full(e, "_PyRuntime");
	if (!err)
		return 0;
out:
	elf_release(e);
	return err;
}

void elf_release(struct elf *e)
{
	bytes_release(&e->bytes);
	*e = (struct elf){.bytes.fd = -1};
}

static const Elf64_Phdr *segment_of(const struct elf *e, uint64_t vaddr)
{
	for (int i = 0; i < e->nload; i++)
		if (vaddr >= e->load[i].p_vaddr && vaddr - e->load[i].p_vaddr < e->load[i].p_filesz)
			return &e->load[i];
	return NULL;
}

const void *elf_at(struct elf *e, uint64_t vaddr, uint64_t len)
{
	const Elf64_Phdr *p = segment_of(e, vaddr);

	if (!p || len > p->p_filesz - (vaddr - p->p_vaddr))
		return NULL;
	return bytes_at(&e->bytes, p->p_offset + (vaddr - p->p_vaddr), len);
}

int elf_offset(const struct elf *e, uint64_t vaddr, uint64_t *ret_offset)
{
	const Elf64_Phdr *p = segment_of(e, vaddr);

	if (!p || p->p_offset + (vaddr - p->p_vaddr) >= e->bytes.size)
		return -ENOENT;
	*ret_offset = p->p_offset + (vaddr - p->p_vaddr);
	return 0;
}

bool elf_is_code(const struct elf *e, uint64_t vaddr)
{
	const Elf64_Phdr *p = segment_of(e, vaddr);

	return p && (p->p_flags & PF_X);
}

const uint8_t *elf_code(struct elf *e, uint64_t vaddr, size_t max, size_t *ret_len)
{
	const Elf64_Phdr *p = segment_of(e, vaddr);
	uint64_t left;

	if (!p || !(p->p_flags & PF_X))
		return NULL;
	left = p->p_filesz - (vaddr - p->p_vaddr);
	*ret_len = left < max ? left : max;
	return elf_at(e, vaddr, *ret_len);
}

bool elf_scan_constants(struct elf *e, size_t overlap, bytes_window_fn *fn, void *ctx)
{
	for (int i = 0; i < e->nload; i++) {
		const Elf64_Phdr *p = &e->load[i];

		if (!(p->p_flags & (PF_W | PF_X)) &&
		    bytes_scan(&e->bytes, p->p_offset, p->p_filesz, overlap, fn, ctx))
			return true;
	}
	return false;
}

static bool window_has_text(void *text, const uint8_t *data, size_t len, uint64_t at)
{
	return memmem(data, len, text, strlen(text) + 1);
}

bool elf_has_text(struct elf *e, const char *text)
{
	return elf_scan_constants(e, strlen(text), window_has_text, (void *)text);
}
