/* SPDX-License-Identifier: MIT */
/* Files that are made to be expensive, and real interpreters, which must not be. */
#include <errno.h>

#include "../fuzz/cost.h"
#include "cpython/cpython.h"
#include "cpython/dispatch.h"
#include "discover/version.h"
#include "elf_files.h"

#define HUGE_BYTES ((1ULL << 30) - (1 << 20))
#define TABLES 0x1000ULL /* where they begin, in the file and in memory */
#define WORDS 4096

/* A sparse file of nearly the largest size, all of it one segment, in which little is written. */
struct bomb {
	int fd;
	char path[64];
	Elf64_Dyn dynamic[32];
	int ndynamic;
};

static void put(const struct bomb *b, uint64_t at, const void *data, size_t size)
{
	cr_assert_eq(pwrite(b->fd, data, size, at), (ssize_t)size);
}

static struct bomb bomb(uint16_t type, uint32_t flags)
{
	struct bomb b = {.fd = memfd_create("bomb", MFD_CLOEXEC)};
	Elf64_Ehdr h = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
			.e_type = type,
			.e_machine = EM_X86_64,
			.e_phoff = sizeof(h),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 3};
	Elf64_Phdr p[3] = {
		{.p_type = PT_LOAD,
		 .p_flags = flags,
		 .p_filesz = HUGE_BYTES,
		 .p_memsz = HUGE_BYTES},
		{.p_type = PT_DYNAMIC, .p_offset = 512, .p_filesz = sizeof(b.dynamic)},
		{.p_type = PT_NOTE, .p_filesz = HUGE_BYTES},
	};

	cr_assert(b.fd >= 0 && !ftruncate(b.fd, HUGE_BYTES));
	put(&b, 0, &h, sizeof(h));
	put(&b, sizeof(h), p, sizeof(p));
	snprintf(b.path, sizeof(b.path), "/proc/self/fd/%d", b.fd);
	return b;
}

static void add(struct bomb *b, int64_t tag, uint64_t value)
{
	b->dynamic[b->ndynamic++] = (Elf64_Dyn){.d_tag = tag, .d_un.d_val = value};
	put(b, 512, b->dynamic, sizeof(b->dynamic));
}

/* All that is asked of the file of a process, within one budget. */
static int use(const char *path, int minor, struct why *w)
{
	struct target t = {.pid = getpid(),
			   .binary = (char *)path,
			   .open_path = (char *)path,
			   .major = 3,
			   .minor = minor,
			   .micro = -1};
	const char *names[] = {"python3.9", NULL};
	struct elf_usdt probe;
	struct ft_layout l;
	struct budget b;
	struct version v;
	struct hooks h;
	struct elf e;
	int err;

	budget_begin(&b);
	t.budget = &b;
	err = elf_open_as(&e, path, path, &b, w);
	if (!err) {
		elf_needs(&e, "libpython");
		elf_soname(&e);
		elf_has_text(&e, "PYTHON_JIT");
		elf_usdt(&e, "python", "function__entry", &probe, 1, NULL);
		version_of(&e, names, &v);
		elf_release(&e);
	}
	if (!err)
		err = cpython_layout(&t, &l, w);
	cpython_hooks(&t, BACKEND_AUTO, true, &h, NULL);
	return budget_check(&b, path, w) ? -EFBIG : err;
}

/* Between two looks at the clock a little more is spent. */
static double cpu_ms_most(void)
{
	return budget_cpu_ns() / 1e6 * 4 / 3;
}

static void must_be_cheap(const char *what, struct bomb *b)
{
	for (int minor = 9; minor <= 15; minor += 2) {
		struct cost cost = cost_begin();
		struct why w = {0};
		int err = use(b->path, minor, &w);
		double ms = cost_cpu_ms(&cost);
		long kib = cost_peak_kib(&cost);

		cr_assert(err < 0 && w.exit_status == EXIT_PYTHON, "%s: %d, %s", what, err, w.text);
		cr_assert(ms < cpu_ms_most(), "%s: %.0f ms", what, ms);
		cr_assert(kib < COST_MEMORY_KIB, "%s: %ld KiB", what, kib);
	}
	close(b->fd);
}

Test(budget, a_segment_of_a_gigabyte, .timeout = 60)
{
	uint16_t types[] = {ET_EXEC, ET_DYN};
	uint32_t flags[] = {PF_R, PF_R | PF_W, PF_R | PF_X};

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 3; k++) {
			struct bomb b = bomb(types[i], flags[k]);

			must_be_cheap("segment", &b);
		}
}

Test(budget, tables_of_a_gigabyte, .timeout = 60)
{
	static const int64_t tags[][2] = {{DT_STRTAB, DT_STRSZ}, {DT_RELA, DT_RELASZ}, {36, 35}};

	for (int i = 0; i < 3; i++) {
		struct bomb b = bomb(ET_DYN, PF_R);

		if (i)
			add(&b, DT_STRTAB, TABLES);
		if (i)
			add(&b, DT_STRSZ, 4096);
		add(&b, DT_SYMTAB, TABLES);
		add(&b, tags[i][0], TABLES);
		add(&b, tags[i][1], HUGE_BYTES - TABLES);
		add(&b, DT_HASH, TABLES - 8);
		put(&b, TABLES - 4, &(uint32_t){40000000}, 4);
		must_be_cheap("table", &b);
	}
}

/* A symbol that is there, so that relocations are asked for again and again. */
static void add_symbols(struct bomb *b)
{
	static const char *const names[] = {"_PyRuntime",	   "PyContext_Type",
					    "PyContext_New",	   "PyContext_CopyCurrent",
					    "PyExc_BaseException", "PyExc_OSError",
					    "PyExc_KeyError",	   "_PyThreadState_UncheckedGet",
					    "PyTraceBack_Here",	   "_PyEval_EvalFrameDefault",
					    "_Py_NoneStruct",	   "PyBaseObject_Type",
					    "PyType_Type",	   "PyLong_Type"};
	uint64_t count = sizeof(names) / sizeof(names[0]), strings = TABLES + 0x1000, at = 1;

	add(b, DT_STRTAB, strings);
	add(b, DT_STRSZ, 4096);
	add(b, DT_SYMTAB, TABLES);
	add(b, DT_HASH, TABLES - 8);
	put(b, TABLES - 4, &(uint32_t){count + 1}, 4);
	for (uint64_t i = 0; i < count; i++) {
		Elf64_Sym s = {.st_name = at, .st_shndx = 1, .st_value = 0x100000, .st_size = 8192};

		put(b, TABLES + (i + 1) * sizeof(s), &s, sizeof(s));
		put(b, strings + at, names[i], strlen(names[i]) + 1);
		at += strlen(names[i]) + 1;
	}
}

Test(budget, relocations_that_unfold, .timeout = 60)
{
	uint64_t words[WORDS];

	for (int kind = 0; kind < 3; kind++) {
		struct bomb b = bomb(ET_DYN, PF_R | PF_W | PF_X);

		add_symbols(&b);
		for (int i = 0; i < WORDS; i++)
			words[i] = kind == 0   ? UINT64_MAX		       /* 63 each */
				   : kind == 1 ? 0x10000ULL * (i % 15000 + 16) /* far apart */
				   : i % 2     ? UINT64_MAX
					       : 0x40000ULL * (i + 1);
		words[0] = 0x200000;
		put(&b, 0x80000, words, sizeof(words));
		add(&b, 36, 0x80000); /* DT_RELR */
		add(&b, 35, sizeof(words));
		must_be_cheap("RELR", &b);
	}
}

/* Names without an end, and many that ask for them. */
Test(budget, strings_without_an_end, .timeout = 60)
{
	struct bomb b = bomb(ET_DYN, PF_R);
	size_t size = 16 << 20;
	char *text = malloc(size);
	Elf64_Dyn *needed = calloc(65536, sizeof(*needed));

	memset(text, 'a', size);
	put(&b, 0x200000, text, size);
	for (int i = 0; i < 65536; i++)
		needed[i] = (Elf64_Dyn){.d_tag = DT_NEEDED, .d_un.d_val = i};
	needed[0] = (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_val = 0x200000};
	needed[1] = (Elf64_Dyn){.d_tag = DT_STRSZ, .d_un.d_val = size};
	put(&b, 0x100000, needed, 65536 * sizeof(*needed));
	put(&b, 64 + 56,
	    &(Elf64_Phdr){.p_type = PT_DYNAMIC, .p_offset = 0x100000, .p_filesz = 65536 * 16}, 56);
	must_be_cheap("strings", &b);
	free(needed);
	free(text);
}

/* What is looked for, a quarter of a million times. */
Test(budget, dispatch_tables_without_end, .timeout = 60)
{
	size_t size = 32 << 20;
	uint64_t *words = malloc(size);

	for (int kind = 0; kind < 2; kind++) {
		struct bomb b = bomb(ET_EXEC, PF_R | PF_W);
		Elf64_Phdr code = {.p_type = PT_LOAD,
				   .p_flags = PF_R | PF_X,
				   .p_vaddr = 0x40000000,
				   .p_filesz = 1 << 20,
				   .p_memsz = 1 << 20};

		for (size_t i = 0; i < size / 8; i++)
			words[i] = 0x40000000 + (kind ? i % 256 : 0);
		put(&b, 0x200000, words, size);
		put(&b, 64 + 2 * 56, &code, sizeof(code));
		must_be_cheap("tables", &b);
	}
	free(words);
}

/* ---- and what is real ------------------------------------------------------------------- */

static void must_fit(const char *path, int minor)
{
	struct cost cost = cost_begin();
	struct why w = {0};
	struct target t = {.binary = (char *)path,
			   .open_path = (char *)path,
			   .major = 3,
			   .minor = minor,
			   .micro = -1};
	struct budget full, b;
	struct ft_layout l;
	struct hooks h;

	budget_begin(&full);
	b = full;
	t.budget = &b;
	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, true, &h, &w), 0, "%s", w.text);
	cpython_layout(&t, &l, NULL); /* some of it needs a process */
	cr_assert_null(b.spent);
	cr_log_info("%s: %.1f ms, %ld KiB, read %llu KiB, %llu symbols, %llu relocations", path,
		    cost_cpu_ms(&cost), cost_peak_kib(&cost),
		    (unsigned long long)(full.read_bytes - b.read_bytes) >> 10,
		    (unsigned long long)(full.symbols - b.symbols),
		    (unsigned long long)(full.relocations - b.relocations));
	cr_assert_eq(b.memory_bytes, full.memory_bytes, "all is given back");
	cr_assert_gt(b.read_bytes, full.read_bytes / 10 * 9);
	cr_assert_gt(b.symbols, full.symbols / 10 * 9);
	cr_assert_gt(b.relocations, full.relocations / 10 * 9);
	cr_assert_lt(cost_peak_kib(&cost), COST_MEMORY_KIB);
}

Test(budget, the_systems_python)
{
	must_fit(need_file(DEBIAN_12_PYTHON), 11);
}

Test(budget, a_library_that_is_not_stripped)
{
	must_fit(need_pyenv(12), 12);
}
