/* SPDX-License-Identifier: MIT */
/* Runs the fuzzers' code over the corpus: seeds that must be understood, and past findings. */
#include <dirent.h>

#include "../fuzz/fuzz.h"
#include "cpython/cpython.h"
#include "discover/version.h"
#include "elf_files.h"

#define CORPUS FT_SOURCE_DIR "/tests/fuzz/corpus/"

static int replay(const char *folder, int (*fuzz)(const uint8_t *, size_t))
{
	char path[512];
	struct dirent *entry;
	DIR *dir;
	int files = 0;

	snprintf(path, sizeof(path), CORPUS "%s", folder);
	dir = opendir(path);
	cr_assert_not_null(dir, "no %s", path);
	while ((entry = readdir(dir))) {
		struct copy c;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), CORPUS "%s/%s", folder, entry->d_name);
		c = copy_of(path);
		cr_assert_eq(fuzz(c.data, c.size), 0);
		copy_drop(&c);
		files++;
	}
	closedir(dir);
	return files;
}

Test(fuzz, corpus_elf, .timeout = 60)
{
	cr_assert_geq(replay("elf", fuzz_elf), 7);
}

Test(fuzz, corpus_debug_offsets, .timeout = 60)
{
	cr_assert_geq(replay("debug_offsets", fuzz_debug_offsets), 3);
}

Test(fuzz, corpus_records, .timeout = 60)
{
	cr_assert_geq(replay("records", fuzz_records), 4);
}

Test(fuzz, corpus_cgroup, .timeout = 60)
{
	cr_assert_geq(replay("cgroup", fuzz_cgroup), 3);
}

Test(fuzz, corpus_pods, .timeout = 60)
{
	cr_assert_geq(replay("pods", fuzz_pods), 3);
}

/* The fuzzer starts where everything is found: in each form of file. */
static void must_understand(const char *name, int minor, uint16_t type, const char *backend)
{
	struct target t = {.binary = (char *)name, .major = 3, .minor = minor, .micro = -1};
	struct ft_layout l;
	struct hooks h;
	struct why w = {0};
	struct version v;
	struct elf e;
	char path[512];

	snprintf(path, sizeof(path), CORPUS "elf/good-%s", name);
	t.open_path = path;
	cr_assert_eq(elf_open(&e, path, &w), 0, "%s", w.text);
	cr_assert_eq(e.header.e_type, type);
	cr_assert_eq(version_of(&e, (const char *[]){"python3.9", NULL}, &v), 0);
	cr_assert(v.minor == minor && v.micro == 4, "3.%d.%d", v.minor, v.micro);
	elf_release(&e);
	cr_assert_eq(cpython_layout(&t, &l, &w), 0, "%s: %s", name, w.text);
	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, true, &h, &w), 0, "%s: %s", name, w.text);
	cr_assert_str_eq(h.backend, backend);
	cr_assert_neq(l.type_addr[FT_KIND_EXC_OS], 0);
}

Test(fuzz, seeds_are_understood)
{
	must_understand("3.9-exec-usdt", 9, ET_EXEC, "usdt");
	must_understand("3.11-exec", 11, ET_EXEC, "uprobe");
	must_understand("3.11-pie-rela", 11, ET_DYN, "uprobe");
	must_understand("3.12-pie-relr", 12, ET_DYN, "uprobe");
	must_understand("3.13-library-symbols", 13, ET_DYN, "uprobe");
	must_understand("3.14-exec", 14, ET_EXEC, "uprobe");
	must_understand("3.15-pie-relr", 15, ET_DYN, "uprobe");
}
