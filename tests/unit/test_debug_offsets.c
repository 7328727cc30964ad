/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "cpython/debug_offsets.h"
#include "cpython/facts.h"
#include "elf_files.h"

#define TRIXIE "/var/cache/flowtrace/roots/trixie/usr/bin/python3.13"
#define SID "/var/cache/flowtrace/roots/sid/usr/bin/python3."

/* ---- structures made here ---- */

struct crafted {
	unsigned char bytes[1024];
	const struct cpython_facts *facts;
	struct target t;
};

static void put(struct crafted *c, unsigned place, uint64_t value)
{
	if (place)
		memcpy(c->bytes + place, &value, sizeof(value));
}

/* What a good build of Python 3.minor.4 says: the row. */
static struct crafted crafted(int minor)
{
	struct crafted c = {.facts = cpython_facts_of(minor),
			    .t = {.pid = 0,
				  .binary = "python",
				  .open_path = "python",
				  .major = 3,
				  .minor = minor,
				  .micro = 4}};
	const struct debug_places *p = &c.facts->debug;

	memcpy(c.bytes, "xdebugpy", 8);
	put(&c, 8, 0x030004f0 | minor << 16);
#define X(group) put(&c, p->group##_size, 1000);
	DEBUG_GROUPS(X)
#undef X
#define X(group, member, field, ...) put(&c, p->group##_##member, c.facts->layout.field);
	DEBUG_OFFSETS(X)
	DEBUG_SIZES(X)
#undef X
	return c;
}

static int parse(const struct crafted *c, struct ft_layout *l, struct why *w)
{
	return debug_offsets_parse(c->bytes, c->facts->debug.structure_size, &c->t,
				   &c->facts->debug, l, w);
}

static void must_refuse(const struct crafted *c, const char *text, const char *found)
{
	struct ft_layout l = c->facts->layout, before = l;
	struct why w = {0};

	cr_assert_eq(parse(c, &l, &w), -ENOEXEC);
	cr_assert_eq(w.exit_status, EXIT_PYTHON);
	cr_assert(strstr(w.text, text) && strstr(w.text, found), "%s", w.text);
	cr_assert_eq(memcmp(&l, &before, sizeof(l)), 0, "touched on failure");
}

Test(debug_offsets, a_good_one_gives_the_row)
{
	for (int minor = 13; cpython_facts_of(minor); minor++) {
		struct crafted c = crafted(minor);
		struct ft_layout l = c.facts->layout;
		struct why w = {0};

		cr_assert_gt(c.facts->debug.structure_size, 500);
		cr_assert_eq(parse(&c, &l, &w), 0, "%s", w.text);
		cr_assert_eq(memcmp(&l, &c.facts->layout, sizeof(l)), 0);
	}
}

Test(debug_offsets, head)
{
	struct crafted good = crafted(13), c = good;
	struct ft_layout l = good.facts->layout;

	c.bytes[0] = 'X';
	must_refuse(&c, "xdebugpy", "3.13");
	c = good;
	put(&c, 8, 0x030e04f0);
	must_refuse(&c, "0x30e04f0", "Python 3.13");
	put(&c, 8, 0x020d04f0);
	must_refuse(&c, "0x20d04f0", "Python 3.13");
	put(&c, 8, 0x030d05f0); /* Py_Version says .4 */
	must_refuse(&c, "0x30d05f0", "Python 3.13");
	put(&c, 8, UINT64_MAX);
	must_refuse(&c, "0xffffffffffffffff", "Python 3.13");
	c = good;
	put(&c, 16, 1);
	must_refuse(&c, "free-threaded", "GIL");
	put(&c, 16, 7);
	must_refuse(&c, "free_threaded = 0x7", "0 or 1");
	c = good;
	c.t.micro = -1; /* not known */
	put(&c, 8, 0x030d63f0);
	cr_assert_eq(parse(&c, &l, NULL), 0);
	cr_assert_eq(debug_offsets_parse(c.bytes, c.facts->debug.structure_size - 1, &c.t,
					 &c.facts->debug, &l, NULL),
		     -ENOEXEC);
}

/* Every word that is read, with every kind of nonsense in it. */
static void check_word(const struct crafted *good, unsigned place, unsigned size_place,
		       unsigned align, const char *name)
{
	struct crafted c = *good;

	if (!place)
		return;
	put(&c, place, UINT64_MAX);
	must_refuse(&c, name, "0xffffffffffffffff");
	put(&c, place, 4097);
	must_refuse(&c, name, "0x1001");
	put(&c, place, 1000); /* the end of the object */
	must_refuse(&c, name, "0x3e8");
	if (align > 1) {
		put(&c, place, 41);
		must_refuse(&c, name, "0x29");
	}
	c = *good;
	put(&c, size_place, 0);
	must_refuse(&c, "0", "size of that object");
	put(&c, size_place, UINT64_MAX - 7);
	must_refuse(&c, "0xfffffffffffffff8", "size of that object");
}

Test(debug_offsets, no_word_is_believed)
{
	for (int minor = 13; cpython_facts_of(minor); minor++) {
		struct crafted c = crafted(minor);
		const struct debug_places *p = &c.facts->debug;

#define X(group, member, field, align, ...)                                                        \
	check_word(&c, p->group##_##member, p->group##_size, align, #group "." #member);
		DEBUG_OFFSETS(X)
#undef X
	}
}

Test(debug_offsets, what_may_move_and_what_not)
{
	struct crafted c = crafted(14);
	const struct debug_places *p = &c.facts->debug;
	struct ft_layout l = c.facts->layout;

	put(&c, p->tuple_object_ob_item, 48);
	cr_assert_eq(parse(&c, &l, NULL), 0);
	cr_assert_eq(l.tuple_items, 48);
	cr_assert_eq(l.list_items, c.facts->layout.list_items);
	put(&c, p->code_object_argcount, 56); /* co_posonlyargcount is not named, but follows it */
	must_refuse(&c, "code_object.argcount = 0x38", "looked for 0x34");
	c = crafted(14);
	put(&c, p->pyobject_ob_type, 24);
	must_refuse(&c, "pyobject.ob_type = 0x18", "looked for 0x8");
	c = crafted(14);
	put(&c, p->unicode_object_asciiobject_size, 48);
	must_refuse(&c, "unicode_object.asciiobject_size = 0x30", "looked for 0x28");
}

/* ---- structures of real interpreters ---- */

static void check_file(const char *path, int minor)
{
	struct target t = {.binary = (char *)path, .major = 3, .minor = minor, .micro = -1};
	const struct cpython_facts *facts = cpython_facts_of(minor);
	struct binary_layout l = {.layout = facts->layout};
	struct why w = {0};
	struct elf e;

	cr_assert_eq(elf_open(&e, path, &w), 0, "%s", w.text);
	/* What is told is read, not taken from the row. */
	l.layout.tuple_items = l.layout.list_items = 0;
	l.layout.float_value = l.layout.bytes_data = 0;
	cr_assert_eq(debug_offsets_read(&e, &t, &facts->debug, &l, &w), 0, "%s", w.text);
	cr_assert_eq(memcmp(&l.layout, &facts->layout, sizeof(l.layout)), 0);
	free(l.debug);
	for (int other = 13; other <= 15; other++) {
		l.debug = NULL;
		t.minor = other;
		cr_assert_eq(debug_offsets_read(&e, &t, &cpython_facts_of(other)->debug, &l, NULL),
			     other == minor ? 0 : -ENOEXEC);
		free(l.debug);
	}
	elf_release(&e);
}

Test(debug_offsets, own_3_13)
{
	check_file(need_pyenv(13), 13);
}

Test(debug_offsets, debian_13)
{
	check_file(need_file(TRIXIE), 13);
}

Test(debug_offsets, debian_sid_3_14)
{
	check_file(need_file(SID "14"), 14);
}

Test(debug_offsets, debian_sid_3_15)
{
	check_file(need_file(SID "15"), 15);
}

/* This process has the structure in its memory, as a process that runs the file would. */
Test(debug_offsets, memory_is_compared_with_the_file)
{
	const char *path = need_pyenv(13);
	const struct cpython_facts *facts = cpython_facts_of(13);
	struct target t = {
		.pid = getpid(), .binary = (char *)path, .major = 3, .minor = 13, .micro = -1};
	struct binary_layout l = {.layout = facts->layout};
	unsigned char memory[4096] = {0};
	struct why w = {0};
	Elf64_Sym s;
	struct elf e;

	cr_assert_eq(elf_open(&e, path, &w), 0, "%s", w.text);
	cr_assert_eq(elf_symbol(&e, "_PyRuntime", &s), 0);
	memcpy(memory, elf_at(&e, s.st_value, facts->debug.structure_size),
	       facts->debug.structure_size);
	t.bias = (uint64_t)memory - s.st_value;
	cr_assert_eq(debug_offsets_read(&e, &t, &facts->debug, &l, &w), 0, "%s", w.text);
	cr_assert_eq(debug_offsets_compare(&t, l.debug_at, l.debug, l.debug_bytes, &w), 0);
	memory[facts->debug.structure_size - 1] ^= 1;
	cr_assert_eq(debug_offsets_compare(&t, l.debug_at, l.debug, l.debug_bytes, &w), -ENOEXEC);
	cr_assert(strstr(w.text, "in its memory"), "%s", w.text);
	cr_assert_eq(w.exit_status, EXIT_PYTHON);
	free(l.debug);
	elf_release(&e);
}
