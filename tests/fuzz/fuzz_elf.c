/* SPDX-License-Identifier: MIT */
/*
 * A whole file: everything that is ever asked of an ELF file, by the reader itself and by what
 * looks for tables and sites in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cost.h"
#include "cpython/cpython.h"
#include "cpython/dispatch.h"
#include "cpython/site.h"
#include "discover/version.h"
#include "fuzz.h"

#define MAX_SYMBOLS 64

static void count_pointer(void *ctx, uint64_t where, uint64_t value)
{
	++*(unsigned *)ctx;
}

static void use_sites(struct elf *e, uint64_t vaddr)
{
	struct site site;
	uint64_t callee;

	if (!site_in_handler(e, vaddr, &site) && !elf_is_code(e, site.vaddr))
		abort();
	if (!site_at_function(e, vaddr, &site) && !elf_is_code(e, site.vaddr))
		abort();
	site_first_call(e, vaddr, &callee);
}

static void use_symbols(struct elf *e)
{
	uint64_t value;
	Elf64_Sym s;

	elf_symbol(e, "PyExc_OSError", &s);
	for (uint32_t i = 0; i < e->nsymbols && i < MAX_SYMBOLS; i++) {
		elf_pointer(e, e->symbol[i].st_value, &value);
		use_sites(e, e->symbol[i].st_value);
	}
}

static void use_notes(struct elf *e)
{
	struct elf_usdt probe[8];
	uint8_t id[ELF_BUILD_ID_MAX];

	elf_usdt(e, "python", "function__entry", probe, 8, NULL);
	if (elf_build_id(e, id) > ELF_BUILD_ID_MAX)
		abort();
}

static void use_cpython(struct elf *e, const char *path)
{
	struct cost cost = cost_begin();
	struct budget budget;
	const char *names[] = {elf_soname(e), NULL};
	struct target t = {.binary = "python", .open_path = (char *)path};
	struct ft_layout l;
	struct version v;
	struct hooks h;

	if (version_of(e, names, &v))
		v = (struct version){3, 11, -1};
	t.major = v.major;
	t.minor = v.minor;
	t.micro = v.micro;
	budget_begin(&budget);
	t.budget = &budget;
	cpython_layout(&t, &l, NULL);
	cpython_hooks(&t, BACKEND_AUTO, true, &h, NULL);
	cpython_hooks(&t, BACKEND_USDT, true, &h, NULL);
	cost_check(&cost);
}

static void use_file(const char *path)
{
	struct why w = {0};
	unsigned pointers = 0;
	struct dispatch d;
	struct elf e;

	if (elf_open(&e, path, &w)) {
		if (!w.exit_status)
			abort(); /* refused without a text */
		return;
	}
	elf_needs(&e, "libpython");
	elf_each_relative(&e, count_pointer, &pointers);
	use_symbols(&e);
	use_notes(&e);
	for (int minor = 8; cpython_facts_of(minor); minor++)
		dispatch_find(&e, cpython_facts_of(minor), &d, NULL);
	use_cpython(&e, path);
	elf_release(&e);
}

int fuzz_elf(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	use_file(path);
	close(fd);
	return 0;
}
