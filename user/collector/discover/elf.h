/* SPDX-License-Identifier: MIT */
/*
 * A 64-bit little-endian ELF file of our machine as untrusted input: program headers and the
 * dynamic section give symbols, relocations and code ranges (all of it survives strip); section
 * headers are used for .note.stapsdt and .symtab only. Every offset in the file is checked before
 * it is followed; a malformed file is refused with -ENOEXEC (not such an ELF file) or -EBADMSG (its
 * tables are broken), never with a crash.
 */
#ifndef FT_ELF_H
#define FT_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "discover/bytes.h"

#define ELF_MAX_SEGMENTS 32
#define ELF_BUILD_ID_MAX 32

struct elf_table {
	uint64_t vaddr, size;
};

/* Symbols and their names, borrowed from the file's bytes. */
struct elf_symbols {
	const Elf64_Sym *at;
	uint32_t count;
	const char *names;
	uint64_t names_size;
};

struct elf {
	struct bytes bytes;
	struct budget *budget; /* borrowed, or ... */
	struct budget own;     /* ... of this file alone */
	Elf64_Ehdr header;
	Elf64_Phdr load[ELF_MAX_SEGMENTS]; /* PT_LOAD only, in the order of the file */
	int nload;
	Elf64_Phdr note[ELF_MAX_SEGMENTS]; /* PT_NOTE */
	int nnote;
	/* From PT_DYNAMIC; size 0 = there is none. Checked to lie in the file when used. */
	struct elf_table strings, symbols, rela, relr;
	uint64_t gnu_hash, sysv_hash; /* vaddr, 0 = none */
	uint64_t soname;	      /* offset in strings, 0 = none */
	uint64_t dynamic_offset, dynamic_size;
	const Elf64_Sym *symbol; /* the checked symbol table, borrowed from bytes */
	uint32_t nsymbols;
	struct elf_symbols full; /* .symtab, for an interpreter that exports nothing */
};

int elf_open(struct elf *e, const char *path, struct why *w);
/* name: for messages; budget: NULL = one of its own. */
int elf_open_as(struct elf *e, const char *path, const char *name, struct budget *budget,
		struct why *w);
void elf_release(struct elf *e);

/* ---- addresses ---- */

/* The bytes of the file that are mapped at vaddr, or NULL (outside, or .bss). */
const void *elf_at(struct elf *e, uint64_t vaddr, uint64_t len);
int elf_offset(const struct elf *e, uint64_t vaddr, uint64_t *ret_offset);
bool elf_is_code(const struct elf *e, uint64_t vaddr);
/* Code bytes from vaddr on: max of them, or fewer where the segment ends. */
const uint8_t *elf_code(struct elf *e, uint64_t vaddr, size_t max, size_t *ret_len);

/* Is there a C string that ends in `text` in the constant data? */
bool elf_has_text(struct elf *e, const char *text);
/* Reads the constant data window by window (bytes_scan); true: fn returned true. */
bool elf_scan_constants(struct elf *e, size_t overlap, bytes_window_fn *fn, void *ctx);

/* ---- the dynamic section (elf_dynamic.c) ---- */

int elf_load_dynamic(struct elf *e, struct why *w); /* elf_open calls it */
/* A symbol that this file defines, exported or (load_full) not; -ENOENT. */
int elf_symbol(struct elf *e, const char *name, Elf64_Sym *ret_symbol);
const char *elf_soname(struct elf *e);		   /* NULL = none */
bool elf_needs(struct elf *e, const char *prefix); /* it has a DT_NEEDED with this prefix */

/*
 * elf_open calls it. Loads .symtab if that has the symbol and the dynamic table has not: an
 * interpreter linked into a program without -rdynamic (elf_symtab.c).
 */
void elf_load_full(struct elf *e, const char *symbol);

/* A static function, by the full table; -ENOENT, also where there is more than one of that name, or
 * a part or a variant of it, which may be called in another way. */
int elf_static_function(struct elf *e, const char *name, uint64_t *ret_vaddr);

/* ---- relocations (elf_reloc.c) ---- */

/* Called for each word that holds an address of this file, with the word's address and value. */
typedef void elf_pointer_fn(void *ctx, uint64_t where, uint64_t value);
void elf_each_relative(struct elf *e, elf_pointer_fn *fn, void *ctx);
/* The pointer that the word at vaddr holds once the file is loaded (bias not added). */
int elf_pointer(struct elf *e, uint64_t vaddr, uint64_t *ret_value);

/* ---- notes (elf_note.c) ---- */

/* A section by its name; -ENOENT. The content of its header is not checked. */
int elf_section(struct elf *e, const char *name, Elf64_Shdr *ret);
int elf_section_at(struct elf *e, uint32_t index, Elf64_Shdr *ret);

struct elf_usdt {
	uint64_t location;     /* vaddr, corrected for prelink */
	uint64_t semaphore;    /* vaddr; 0 = none */
	const char *arguments; /* where they are (arch/usdt_number.h); in the file's memory */
};

/* Every location of one probe; returns their number, or -errno for broken notes. */
int elf_usdt(struct elf *e, const char *provider, const char *name, struct elf_usdt *ret_probes,
	     int max, struct why *w);
int elf_build_id(struct elf *e, uint8_t ret_id[ELF_BUILD_ID_MAX]); /* its length, 0 = none */

#endif
