/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "arch/usdt_number.h"
#include "discover/elf.h"
#include "elf_files.h"

static void must_open(struct elf *e, const char *path)
{
	struct why w = {0};

	cr_assert_eq(elf_open(e, path, &w), 0, "%s: %s", path, w.text);
}

static Elf64_Sym must_find(struct elf *e, const char *name)
{
	Elf64_Sym s = {0};

	cr_assert_eq(elf_symbol(e, name, &s), 0, "no symbol %s", name);
	return s;
}

/* Whatever the file says, all of the reader must come back. */
static void use_everything(const char *path)
{
	struct elf_usdt probe[8];
	uint8_t id[ELF_BUILD_ID_MAX];
	uint64_t value;
	Elf64_Sym s;
	struct elf e;
	struct why w = {0};

	if (elf_open(&e, path, &w)) {
		cr_assert(w.text[0] && w.exit_status, "refused without a text");
		return;
	}
	if (!elf_symbol(&e, "PyExc_OSError", &s))
		elf_pointer(&e, s.st_value, &value);
	elf_soname(&e);
	elf_needs(&e, "libpython");
	elf_usdt(&e, "python", "function__entry", probe, 8, NULL);
	elf_build_id(&e, id);
	elf_release(&e);
}

Test(elf, symbols_of_a_stripped_executable)
{
	struct elf e;
	Elf64_Sym s;
	uint64_t offset;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_eq(e.header.e_type, ET_EXEC);
	s = must_find(&e, "PyTraceBack_Here");
	cr_assert(elf_is_code(&e, s.st_value));
	cr_assert_eq(elf_offset(&e, s.st_value, &offset), 0);
	cr_assert_eq(memcmp(elf_at(&e, s.st_value, 16), bytes_at(&e.bytes, offset, 16), 16), 0);
	s = must_find(&e, "PyLong_Type");
	cr_assert_not(elf_is_code(&e, s.st_value));
	cr_assert_eq(elf_symbol(&e, "PyLong_Typ", &s), -ENOENT);
	cr_assert_eq(elf_symbol(&e, "malloc", &s), -ENOENT, "an import is not defined here");
	elf_release(&e);
}

Test(elf, needed_libraries_and_soname)
{
	struct elf e;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert(elf_needs(&e, "libc.so"));
	cr_assert_not(elf_needs(&e, "libpython"));
	cr_assert_null(elf_soname(&e));
	elf_release(&e);
	must_open(&e, need_pyenv(11));
	cr_assert_str_eq(elf_soname(&e), "libpython3.11.so.1.0");
	elf_release(&e);
}

Test(elf, pointers_literal_and_relocated)
{
	struct elf e;
	uint64_t value;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_eq(elf_pointer(&e, must_find(&e, "PyExc_OSError").st_value, &value), 0);
	cr_assert(elf_at(&e, value, 408), "OSError is a type object in the data");
	elf_release(&e);
	must_open(&e, need_pyenv(11));
	cr_assert_eq(elf_pointer(&e, must_find(&e, "PyExc_OSError").st_value, &value), 0);
	cr_assert(elf_at(&e, value, 408));
	cr_assert_eq(elf_pointer(&e, must_find(&e, "Py_Version").st_value, &value), -ENOENT);
	elf_release(&e);
}

Test(elf, usdt_probes_with_semaphore)
{
	struct elf_usdt probe[8];
	struct elf e;

	must_open(&e, need_file(DEBIAN_11_PYTHON));
	cr_assert_eq(elf_usdt(&e, "python", "function__entry", probe, 8, NULL), 1);
	cr_assert(elf_is_code(&e, probe[0].location));
	cr_assert_eq(*(const uint8_t *)elf_at(&e, probe[0].location, 1), 0x90);
	cr_assert(probe[0].semaphore);
	cr_assert_eq(elf_usdt(&e, "python", "function__ent", probe, 8, NULL), 0);
	cr_assert_eq(elf_usdt(&e, "pytho", "function__entry", probe, 8, NULL), 0);
	elf_release(&e);
}

Test(elf, where_a_usdt_probe_has_its_arguments)
{
	struct elf_usdt probe[2];
	struct ft_number n;
	struct elf e;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_eq(elf_usdt(&e, "python", "gc__start", probe, 2, NULL), 1);
	cr_assert_eq(usdt_number(probe[0].arguments, 1, &n), 0);
	cr_assert_eq(n.size, 4);
	cr_assert(n.has_sign);
	cr_assert_eq(usdt_number(probe[0].arguments, 2, &n), -ENOENT);
	elf_release(&e);
}

Test(elf, arguments_of_usdt_probes)
{
	static const char text[] = "-4@112(%rsp) 8@%r12 4@$-7 -2@-0x10(%rbp) 1@%sil 8@(%rax)";
	static const char *const bad[] = {
		"4",
		"4@",
		"@%eax",
		"4@%",
		"3@%eax",
		"4@%eaxx",
		"4@%xmm0",
		"4@8(%rax",
		"4@8(rax)",
		"8@8(%rax,%rbx)",
		"8@a+8(%rip)",
		"--4@%eax",
		"8@$99999999999",
		"8@99999999999(%rax)",
		"4@%eax,8",
	};
	static const struct ft_number want[] = {
		{.offset = 112, .how = FT_NUMBER_MEMORY, .reg = 4, .size = 4, .has_sign = 1},
		{.how = FT_NUMBER_REGISTER, .reg = 12, .size = 8},
		{.offset = -7, .how = FT_NUMBER_CONSTANT, .size = 4},
		{.offset = -16, .how = FT_NUMBER_MEMORY, .reg = 5, .size = 2, .has_sign = 1},
		{.how = FT_NUMBER_REGISTER, .reg = 6, .size = 1},
		{.how = FT_NUMBER_MEMORY, .reg = 0, .size = 8},
	};
	struct ft_number n;

	for (int i = 0; i < 6; i++) {
		cr_assert_eq(usdt_number(text, i + 1, &n), 0, "%d", i);
		cr_assert_eq(memcmp(&n, &want[i], sizeof(n)), 0, "%d", i);
	}
	cr_assert_eq(usdt_number(text, 7, &n), -ENOENT);
	cr_assert_eq(usdt_number("", 1, &n), -ENOENT);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(usdt_number(bad[i], 1, &n), -EINVAL, "%s", bad[i]);
}

Test(elf, static_functions)
{
	uint64_t at = 0;
	struct elf e;

	must_open(&e, need_pyenv(12));
	cr_assert_eq(elf_static_function(&e, "gc_collect_main", &at), 0);
	cr_assert(elf_is_code(&e, at));
	cr_assert_eq(elf_static_function(&e, "gc_collect_mai", &at), -ENOENT);
	cr_assert_eq(elf_static_function(&e, "gc_collect__doc__", &at), -ENOENT); /* no function */
	elf_release(&e);
	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_eq(elf_static_function(&e, "gc_collect_main", &at), -ENOENT);
	elf_release(&e);
}

Test(elf, a_function_in_variants)
{
	uint64_t at = 0;
	struct elf e;

	must_open(&e, need_pyenv(8));
	cr_assert_eq(elf_static_function(&e, "collect", &at), -ENOENT);
	elf_release(&e);
}

Test(elf, build_id)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	struct elf e;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_eq(elf_build_id(&e, id), 20);
	elf_release(&e);
}

Test(elf, ranges_that_wrap_are_outside)
{
	struct elf e;

	must_open(&e, need_file(DEBIAN_12_PYTHON));
	cr_assert_null(bytes_at(&e.bytes, UINT64_MAX, 2));
	cr_assert_null(bytes_at(&e.bytes, 1, UINT64_MAX));
	cr_assert_null(elf_at(&e, e.load[0].p_vaddr, UINT64_MAX));
	cr_assert_null(elf_at(&e, 0, 1));
	cr_assert_not_null(bytes_at(&e.bytes, e.bytes.size, 0));
	elf_release(&e);
}

Test(elf, what_is_no_such_file_is_refused)
{
	struct why w = {0};
	struct elf e;

	cr_assert_eq(elf_open(&e, "/etc/passwd", &w), -ENOEXEC);
	cr_assert(strstr(w.text, "not an ELF file"), "%s", w.text);
	cr_assert_eq(w.exit_status, EXIT_PYTHON);
	cr_assert_eq(elf_open(&e, "/dev/null", NULL), -ENOEXEC);
	cr_assert_eq(elf_open(&e, "/", NULL), -ENOEXEC);
	cr_assert_eq(elf_open(&e, "/nonexistent", NULL), -ENOENT);
}

Test(elf, truncated_at_every_place, .timeout = 60)
{
	struct copy c = copy_of(need_file(DEBIAN_11_PYTHON));

	for (size_t size = c.size; size > 64; size = size * 7 / 8) {
		cr_assert(!ftruncate(c.fd, size));
		use_everything(c.path);
	}
	for (size_t size = 0; size <= 64; size++) {
		struct elf e;

		cr_assert(!ftruncate(c.fd, size));
		cr_assert_lt(elf_open(&e, c.path, NULL), 0);
	}
	copy_drop(&c);
}

/* One changed byte at a time where the tables are, so that each field is hit. */
Test(elf, flipped_bytes_in_the_headers, .timeout = 120)
{
	struct copy c = copy_of(need_file(DEBIAN_11_PYTHON));
	static const unsigned char flips[] = {0xff, 0x80, 0x01};

	for (size_t at = 0; at < 64 + 11 * 56; at++)
		for (size_t i = 0; i < sizeof(flips); i++) {
			c.data[at] ^= flips[i];
			use_everything(c.path);
			c.data[at] ^= flips[i];
		}
	copy_drop(&c);
}

Test(elf, flipped_bytes_in_the_tables, .timeout = 120)
{
	struct copy c = copy_of(need_file(DEBIAN_11_PYTHON));
	unsigned random = 1;
	struct elf e;
	uint64_t places[4], sizes[4];
	unsigned char *note;

	must_open(&e, c.path);
	places[0] = e.dynamic_offset, sizes[0] = e.dynamic_size;
	cr_assert_eq(elf_offset(&e, e.gnu_hash, &places[1]), 0);
	sizes[1] = 64;
	places[2] = e.header.e_shoff, sizes[2] = (uint64_t)e.header.e_shnum * 64;
	note = memmem(c.data, c.size, "stapsdt", 8);
	cr_assert_not_null(note);
	places[3] = note - c.data - 12, sizes[3] = 0x290;
	elf_release(&e);
	for (int i = 0; i < 1500; i++) {
		size_t at = places[i % 4] + next_random(&random) % sizes[i % 4];
		unsigned char old;

		if (at >= c.size)
			continue;
		old = c.data[at];
		c.data[at] = next_random(&random);
		use_everything(c.path);
		c.data[at] = old;
	}
	copy_drop(&c);
}
