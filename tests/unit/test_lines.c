/* SPDX-License-Identifier: MIT */
/* Which way an exception came: tables of lines, and stacks in RAISE records. */
#include "decode/lines.h"
#include "decoded.h"

TestSuite(lines, .init = setup, .fini = teardown);

#define TABLE(...)                                                                                 \
	((const unsigned char[]){__VA_ARGS__}), sizeof((const unsigned char[]){__VA_ARGS__})

static void expect_line(enum ft_lines_how how, const unsigned char *table, size_t size, unsigned at,
			unsigned line)
{
	unsigned found = lines_find(how, table, size, 10, at);

	cr_assert_eq(found, line, "at %u: %u, not %u", at, found, line);
}

Test(lines, lnotab)
{
	/* def at line 10; 0: 11, 6: 12, 8: 9 (back), 300: 140 */
	const unsigned char t[] = {0, 1, 6, 1, 2, 0xfd, 255, 0, 37, 127, 0, 4};

	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 0, 11);
	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 5, 11);
	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 6, 12);
	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 8, 9);
	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 299, 9);
	expect_line(FT_LINES_LNOTAB, t, sizeof(t), 300, 140);
	expect_line(FT_LINES_LNOTAB, TABLE(), 4, 10);
	expect_line(FT_LINES_LNOTAB, TABLE(0, 0x80), 4, 0); /* before the first line of all */
	expect_line(FT_LINES_LNOTAB, TABLE(0, 1, 4), 4, 11);
}

Test(lines, deltas)
{
	/* 0-3: 11, 4-7: none, 8-11: 13 */
	const unsigned char t[] = {4, 1, 4, 0x80, 4, 2};

	expect_line(FT_LINES_DELTAS, t, sizeof(t), 0, 11);
	expect_line(FT_LINES_DELTAS, t, sizeof(t), 4, 0);
	expect_line(FT_LINES_DELTAS, t, sizeof(t), 8, 13);
	expect_line(FT_LINES_DELTAS, t, sizeof(t), 12, 0);
}

Test(lines, locations)
{
	/* code << 3 | units - 1: one line +1, two units; short form, one; long form -3, one unit;
	 * none, one; no columns +64, one */
	const unsigned char t[] = {0x80 | 11 << 3 | 1,
				   5,
				   9,
				   0x80 | 0 << 3,
				   0x12,
				   0x80 | 14 << 3,
				   7,
				   0,
				   1,
				   1,
				   0x80 | 15 << 3,
				   0x80 | 13 << 3,
				   0x40,
				   2};

	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 0, 11);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 3, 11);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 4, 11);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 6, 8);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 8, 0);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 10, 72);
	expect_line(FT_LINES_LOCATIONS, t, sizeof(t), 12, 0);
	expect_line(FT_LINES_LOCATIONS, TABLE(0x12, 0x13), 0, 0); /* begins within an entry */
	expect_line(FT_LINES_LOCATIONS, TABLE(0x80 | 13 << 3, 0x40), 0,
		    10); /* ends within a number */
}

static void learn(unsigned long long code, const char *file, const char *name)
{
	struct ft_rec_lines *r = build_begin(&b, FT_REC_LINES, sizeof(*r), PID, PID, 4000);
	const unsigned char table[] = {0x80 | 11 << 3, 0, 0, 0x80 | 11 << 3, 0, 0};
	struct event e = {0};

	r->code = code;
	r->first_line = 10;
	r->how = FT_LINES_LOCATIONS;
	t_name(&b, file);
	t_name(&b, name);
	t_bytes(&b, (const char *)table, sizeof(table));
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_NONE);
}

static void frame(unsigned long long code, unsigned at, int line)
{
	t_pair(&b, FT_T_FRAME, code, at | (unsigned long long)(unsigned)line << 32);
}

static void raise_with(unsigned flags, unsigned long long entries)
{
	begin_raise(&b, PID, PID, 4500, CODE, 4000, VALUE_ERROR);
	build_rec(&b)->flags = FT_RAISE_STACK | flags;
	t_str(&b, "no");
	t_end(&b);
	t_open(&b, FT_T_LIST, entries);
}

static void expect_stack(const char *stack, unsigned long long whole)
{
	struct event e = {0};

	cr_assert_eq(feed(&e), 0);
	expect_text(&e.exc_message, "no");
	if (!stack) {
		cr_assert_null(e.stack.s);
		return;
	}
	expect_text(&e.stack, stack);
	cr_assert_eq(e.stack.cut, whole != 0);
	cr_assert_eq(e.stack.original_len, whole);
}

Test(lines, stack)
{
	learn(0x10, "/a \"b\".py", "f");
	learn(0x20, NULL, "g");
	raise_with(0, 4);
	frame(0x10, 0, -1);
	frame(0x10, 2, -1);
	frame(0x20, 0, 77);
	frame(0x30, 0, -1);
	t_end(&b);
	expect_stack("[\"/a \\\"b\\\".py:11 f\", \"/a \\\"b\\\".py:12 f\", \"?:77 g\", \"?:? ?\"]",
		     0);
	raise_with(0, 1);
	frame(0x10, 4, -1);
	t_end(&b);
	expect_stack("[\"/a \\\"b\\\".py:? f\"]", 0);
	raise_with(0, 90);
	frame(0x20, 0, 5);
	t_end(&b);
	expect_stack("[\"...\", \"?:5 g\"]", 90);
	raise_with(0, 0);
	t_end(&b);
	expect_stack("[]", 0);
}

Test(lines, told_from_inside)
{
	raise_with(0, 1);
	t_open(&b, FT_T_TUPLE, 3);
	t_str(&b, "/x.py");
	t_int(&b, 3);
	t_str(&b, "h");
	t_end(&b);
	t_end(&b);
	expect_stack("[\"/x.py:3 h\"]", 0);
}

/* A call that was left before it was seen: what is inside of it, where that can be told. */
Test(lines, below)
{
	learn(CODE, "/c.py", "c");
	learn(0x10, "/a.py", "f");
	raise_with(FT_RAISE_BELOW, 3);
	frame(0x10, 0, 1);
	frame(CODE, 0, 2);
	frame(0x10, 0, 3);
	t_end(&b);
	expect_stack("[\"/c.py:2 c\", \"/a.py:3 f\"]", 0);
	raise_with(FT_RAISE_BELOW, 2);
	frame(CODE, 0, 1);
	frame(CODE, 0, 2);
	t_end(&b);
	expect_stack(NULL, 0);
	raise_with(FT_RAISE_BELOW, 1);
	frame(0x10, 0, 1);
	t_end(&b);
	expect_stack(NULL, 0);
}

Test(lines, without_room)
{
	raise_with(0, 2);
	frame(0x10, 0, 1);
	t_mark(&b, FT_T_STOP);
	expect_stack(NULL, 0);
}

Test(lines, not_a_stack)
{
	struct event e = {0};

	raise_with(0, 1);
	t_str(&b, "text");
	t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
	raise_with(0, 1);
	frame(0x10, 0, 1);
	cr_assert_eq(feed(&e), -EBADMSG);
	raise_with(0, 70);
	for (int i = 0; i < FT_MAX_STACK + 3; i++)
		frame(0x10, 0, 1);
	t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
}
