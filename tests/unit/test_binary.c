/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cpython/cpython.h"
#include "discover/binary.h"
#include "elf_files.h"

static char path[64];
static int file = -1;
static struct binaries *kept;

static void make_file(void)
{
	snprintf(path, sizeof(path), "/tmp/binary-XXXXXX");
	file = mkstemp(path);
	cr_assert(file >= 0 && write(file, "content", 7) == 7);
	cr_assert_eq(binaries_new(&kept, NULL), 0);
}

static void remove_file(void)
{
	binaries_free(kept);
	close(file);
	unlink(path);
}

TestSuite(binary, .init = make_file, .fini = remove_file);

static struct binary *get_as(const char *name)
{
	struct binary *b = NULL;

	cr_assert_eq(binaries_get(kept, file, name, &b, NULL), 0);
	return b;
}

static struct binary *get(void)
{
	return get_as("file");
}

/* Long enough that a write from now on shows. */
static void let_settle(void)
{
	sleep(4);
}

Test(binary, what_is_known_stays)
{
	let_settle();
	get()->read = true;
	binaries_rest(kept);
	cr_assert(get()->read);
	cr_assert_eq(binaries_count(kept), 1);
}

Test(binary, what_was_just_written_is_for_one_process_only)
{
	struct binary *b = get();

	b->read = true;
	cr_assert_eq(get(), b, "the same while a process is looked at");
	binaries_rest(kept);
	cr_assert_eq(binaries_count(kept), 0);
	cr_assert_not(get()->read);
}

Test(binary, a_write_makes_it_another)
{
	struct stat before, after;

	let_settle();
	get()->read = true;
	binaries_rest(kept);
	cr_assert_eq(fstat(file, &before), 0);
	cr_assert_eq(pwrite(file, "changed", 7, 0), 7);
	/* mtime can be set back, as the owner likes */
	cr_assert_eq(futimens(file, (struct timespec[]){before.st_atim, before.st_mtim}), 0);
	cr_assert_eq(fstat(file, &after), 0);
	cr_assert_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	cr_assert_eq(before.st_size, after.st_size);
	cr_assert_not(get()->read);
}

Test(binary, another_file_of_that_name_is_another)
{
	struct binary *first, *second = NULL;
	int other = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	first = get();
	cr_assert_eq(binaries_get(kept, other, "file", &second, NULL), 0);
	cr_assert_neq(first, second);
	cr_assert_neq(get_as("other name"), first);
	cr_assert_eq(get(), first);
	close(other);
}

Test(binary, the_oldest_goes)
{
	char name[16];

	let_settle();
	for (int i = 0; i < BINARIES_KEPT; i++) {
		snprintf(name, sizeof(name), "%d", i);
		get_as(name)->read = true;
	}
	cr_assert(get_as("0")->read);
	cr_assert_not(get_as("new")->read);
	binaries_rest(kept);
	cr_assert_eq(binaries_count(kept), BINARIES_KEPT);
	cr_assert(get_as("0")->read);
	cr_assert_not(get_as("1")->read);
}

Test(binary, what_could_not_be_read_is_not_kept)
{
	struct budget budget;
	struct elf *e;
	int exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct binary *b;

	let_settle();
	for (int spent = 0; spent < 2; spent++) {
		cr_assert_eq(binaries_get(kept, exe, "exe", &b, NULL), 0);
		b->once = false; /* this program may have been built just now */
		budget_begin(&budget);
		cr_assert_eq(binary_open(b, "/proc/self/exe", "exe", &budget, &e, NULL), 0);
		if (spent)
			budget.spent = "all";
		else
			e->bytes.failed = true;
		binaries_rest(kept);
		cr_assert_eq(binaries_count(kept), 0);
	}
	close(exe);
}

/* What comes from there is what is read, in every process that has the file somewhere else. */
static void check_interpreter(const char *interpreter, int minor, uint64_t bias)
{
	struct target t = {.pid = getpid(),
			   .binary = (char *)interpreter,
			   .open_path = (char *)interpreter,
			   .major = 3,
			   .minor = minor,
			   .micro = -1};
	struct ft_layout read, known;
	struct hooks hooks_read, hooks_known;
	struct why w = {0};
	int fd = open(interpreter, O_RDONLY | O_CLOEXEC);

	t.bias = bias;
	cr_assert_eq(cpython_layout(&t, &read, &w), 0, "%s", w.text);
	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, true, &hooks_read, &w), 0, "%s", w.text);
	t.bias = 0;
	cr_assert_eq(binaries_get(kept, fd, interpreter, &t.file, &w), 0);
	cr_assert_eq(cpython_layout(&t, &known, &w), 0, "%s", w.text);
	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, true, &hooks_known, &w), 0);
	binaries_rest(kept);
	t.open_path = "/nowhere";
	t.bias = bias;
	cr_assert_eq(cpython_layout(&t, &known, &w), 0, "%s", w.text);
	cr_assert_eq(cpython_hooks(&t, BACKEND_AUTO, true, &hooks_known, &w), 0);
	cr_assert_eq(memcmp(&read, &known, sizeof(read)), 0);
	cr_assert_eq(memcmp(&hooks_read, &hooks_known, sizeof(hooks_read)), 0);
	/* Other hooks are looked for again. */
	cr_assert_lt(cpython_hooks(&t, BACKEND_AUTO, false, &hooks_known, NULL), 0);
	close(fd);
}

Test(binary, an_executable)
{
	check_interpreter(need_file(DEBIAN_12_PYTHON), 11, 0);
}

Test(binary, a_library)
{
	check_interpreter(need_pyenv(10), 10, 0x7f0000000000);
}
