/* SPDX-License-Identifier: MIT */
/* Values of arguments and results: how each renders, and where it is cut. */
#include <math.h>
#include <stdio.h>

#include "decoded.h"

TestSuite(decode_values, .init = setup, .fini = teardown);

Test(decode_values, scalars)
{
	static const struct {
		unsigned kind;
		const char *want;
	} marks[] = {
		{FT_T_NONE, "null"},	    {FT_T_TRUE, "true"},
		{FT_T_FALSE, "false"},	    {FT_T_UNREADABLE, "\"<unreadable>\""},
		{FT_T_REDACTED, "\"***\""},
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		begin();
		t_mark(&b, marks[i].kind);
		expect(marks[i].want, false);
	}
	begin();
	t_int(&b, -9223372036854775807ll - 1);
	expect("-9223372036854775808", false);
	begin();
	t_mark(&b, FT_T_DEEP);
	expect("\"...\"", true);
	begin();
	t_mark(&b, FT_T_STOP);
	expect("\"...\"", true);
	begin();
	expect("null", true);
}

Test(decode_values, floats)
{
	static const struct {
		double v;
		const char *want;
	} floats[] = {
		{1, "1.0"},
		{-0.0, "-0.0"},
		{0.1, "0.1"},
		{1e16, "1e+16"},
		{1e-5, "1e-05"},
		{0.0001, "0.0001"},
		{1e15, "1000000000000000.0"},
		{5e-324, "5e-324"},
		{1.7976931348623157e308, "1.7976931348623157e+308"},
		{1.0 / 3, "0.3333333333333333"},
		{123456.789, "123456.789"},
		{9007199254740993.0, "9007199254740992.0"},
		{NAN, "\"NaN\""},
		{INFINITY, "\"Infinity\""},
		{-INFINITY, "\"-Infinity\""},
	};

	for (size_t i = 0; i < sizeof(floats) / sizeof(*floats); i++) {
		begin();
		t_float(&b, floats[i].v);
		expect(floats[i].want, false);
	}
}

Test(decode_values, long_integers)
{
	unsigned digits[] = {0, 0, 1024}; /* 2 ** 70 */
	unsigned long long bits = 40000;

	begin();
	tok(&b, FT_T_BIGINT, 0, FT_TOK_NEGATIVE, digits, sizeof(digits));
	expect("-1180591620717411303424", false);
	set_max(20);
	begin();
	tok(&b, FT_T_BIGINT, 0, 0, digits, sizeof(digits));
	expect("\"<int of 71 bits>\"", true);
	set_max(1000);
	begin();
	tok(&b, FT_T_INTBITS, 0, 0, &bits, sizeof(bits));
	expect("\"<int of 40000 bits>\"", true);
}

Test(decode_values, strings)
{
	unsigned short two[] = {0x20ac, 0xd800, 'x'};
	unsigned four[] = {0x1f600};

	begin();
	t_str(&b, "say \"hi\"\n\\ \x01 \xe9");
	expect("\"say \\\"hi\\\"\\n\\\\ \\u0001 \xc3\xa9\"", false);
	begin();
	tok(&b, FT_T_STR, 2, 0, two, sizeof(two));
	expect("\"\xe2\x82\xac\\ud800x\"", false);
	begin();
	tok(&b, FT_T_STR, 4, 0, four, sizeof(four));
	expect("\"\xf0\x9f\x98\x80\"", false);
	begin();
	t_cut_text(&b, FT_T_STR, "abc", 9000);
	expect("\"abc...\"", true);
}

Test(decode_values, bytes)
{
	begin();
	t_bytes(&b, "\0abc\xff\t'", 7);
	expect("\"b\\\"\\\\x00abc\\\\xff\\\\t'\\\"\"", false);
	begin();
	t_bytes(&b, "'\"", 2);
	expect("\"b'\\\\'\\\"'\"", false);
	begin();
	tok(&b, FT_T_BYTEARRAY, 0, 0, "x\\", 2);
	expect("\"bytearray(b'x\\\\\\\\')\"", false);
	begin();
	t_cut_text(&b, FT_T_BYTES, "abc", 9000);
	expect("\"b'abc...\"", true);
}

Test(decode_values, containers)
{
	begin();
	t_open(&b, FT_T_LIST, 3);
	t_int(&b, 1);
	t_open(&b, FT_T_TUPLE, 0);
	t_end(&b);
	t_open(&b, FT_T_SET, 1);
	t_str(&b, "x");
	t_end(&b);
	t_end(&b);
	expect("[1, [], [\"x\"]]", false);
	begin();
	t_open(&b, FT_T_LIST, 300);
	t_int(&b, 1);
	t_mark(&b, FT_T_CUT);
	t_end(&b);
	expect("[1, \"...\"]", true);
	begin();
	t_open(&b, FT_T_DICT, 300);
	t_str(&b, "a");
	t_open(&b, FT_T_LIST, 2);
	t_int(&b, 1);
	t_mark(&b, FT_T_STOP);
	expect("{\"a\": [1, \"...\"], \"...\": \"...\"}", true);
	begin();
	t_open(&b, FT_T_DICT, 300);
	t_str(&b, "a");
	t_mark(&b, FT_T_STOP);
	expect("{\"...\": \"...\"}", true);
}

Test(decode_values, dict_keys)
{
	begin();
	t_open(&b, FT_T_DICT, 9);
	t_int(&b, 1);
	t_int(&b, 1);
	t_mark(&b, FT_T_NONE);
	t_int(&b, 2);
	t_mark(&b, FT_T_TRUE);
	t_int(&b, 3);
	t_float(&b, 1.5);
	t_int(&b, 4);
	t_bytes(&b, "x", 1);
	t_int(&b, 5);
	t_open(&b, FT_T_TUPLE, 2);
	t_int(&b, 1);
	t_str(&b, "a");
	t_end(&b);
	t_int(&b, 6);
	t_open(&b, FT_T_TUPLE, 1);
	t_int(&b, 1);
	t_end(&b);
	t_int(&b, 7);
	t_open(&b, FT_T_FROZENSET, 0);
	t_end(&b);
	t_int(&b, 8);
	t_mark(&b, FT_T_CUT);
	t_end(&b);
	expect("{\"1\": 1, \"None\": 2, \"True\": 3, \"1.5\": 4, \"b'x'\": 5, \"(1, 'a')\": 6, "
	       "\"(1,)\": 7, \"frozenset()\": 8, \"...\": \"...\"}",
	       true);
}

Test(decode_values, objects)
{
	begin();
	t_pair(&b, FT_T_OBJECT, MODEL, 0x7f00deadbeef);
	expect("\"<myapp.models.Order object at 0x7f00deadbeef>\"", false);
	begin();
	t_pair(&b, FT_T_OBJECT, ORDERED, 0x10);
	expect("\"<collections.OrderedDict object at 0x10>\"", false);
	begin();
	t_pair(&b, FT_T_OBJECT, 0x9999, 0x10);
	expect("\"<object at 0x10>\"", false);
}

Test(decode_values, exception_values)
{
	begin();
	t_pair(&b, FT_T_EXC, VALUE_ERROR, 0x10);
	t_str(&b, "it's");
	t_end(&b);
	expect("\"ValueError(\\\"it's\\\")\"", false);
	begin();
	t_pair(&b, FT_T_EXC, SPEC_TYPE, 0x10);
	t_int(&b, 1);
	t_mark(&b, FT_T_NONE);
	t_end(&b);
	expect("\"SSLError(1, None)\"", false);
	begin();
	t_pair(&b, FT_T_EXC, APP_ERROR, 0x10);
	t_open(&b, FT_T_LIST, 0);
	t_end(&b);
	t_end(&b);
	expect("\"<myapp.Outer.AppError object at 0x10>\"", false);
	begin();
	t_pair(&b, FT_T_EXC, OS_ERROR, 0x10);
	t_int(&b, 2);
	t_str(&b, "No");
	t_str(&b, "file");
	t_end(&b);
	expect("\"FileNotFoundError(2, 'No')\"", false);
}

/* ---- limits ------------------------------------------------------------------- */

static void numbers(unsigned n)
{
	begin();
	t_open(&b, FT_T_LIST, n);
	for (unsigned i = 0; i < n; i++)
		t_int(&b, i % 10);
	t_end(&b);
}

Test(decode_values, limit_of_lists)
{
	struct event e;

	set_max(12);
	numbers(4);
	expect("[0, 1, 2, 3]", false); /* 12 characters */
	numbers(5);
	e = value_event();
	expect_text(&e.value, "[0, \"...\"]");
	cr_assert(e.value.cut);
	cr_assert_eq(e.value.original_len, 15);
	set_max(7);
	numbers(5);
	expect("[\"...\"]", true);
	set_max(6);
	numbers(5);
	expect("\"...\"", true);
}

Test(decode_values, limit_of_strings)
{
	struct event e;

	set_max(10);
	begin();
	t_str(&b, "12345678");
	expect("\"12345678\"", false);
	begin();
	t_str(&b, "1234\n6789");
	expect("\"1234...\"", true); /* an escape is never split */
	begin();
	t_str(&b, "123456789");
	e = value_event();
	expect_text(&e.value, "\"12345...\"");
	cr_assert_eq(e.value.original_len, 11);
}

Test(decode_values, limit_counts_characters)
{
	set_max(6);
	begin();
	t_str(&b, "\xe9\xe9\xe9\xe9"); /* four characters, eight bytes */
	expect("\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", false);
}

Test(decode_values, args)
{
	begin_args();
	t_int(&b, 1);
	t_str(&b, "x");
	expect("{\"a\": 1, \"b\": \"x\"}", false);
	begin_args();
	t_int(&b, 1);
	t_mark(&b, FT_T_STOP);
	expect("{\"a\": 1, \"...\": \"...\"}", true);
	begin_args();
	t_int(&b, 1);
	expect("{\"a\": 1, \"...\": \"...\"}", true);
	begin_args();
	t_int(&b, 1);
	t_open(&b, FT_T_LIST, 9);
	t_int(&b, 2);
	t_mark(&b, FT_T_STOP);
	expect("{\"a\": 1, \"b\": [2, \"...\"]}", true);
	define_function(".0 a");
	begin_args();
	t_open(&b, FT_T_LIST, 1);
	t_int(&b, 1);
	t_end(&b);
	t_int(&b, 2);
	expect("{\"a\": 2}", false);
	define_function("");
	begin_args();
	expect("{}", false);
}

Test(decode_values, limit_of_args)
{
	set_max(30);
	define_function("data");
	begin_args();
	t_str(&b, "0123456789012345678901234567890123456789");
	expect("{\"data\": \"012345678901234...\"}", true);
	begin_args();
	t_open(&b, FT_T_LIST, 40);
	for (int i = 0; i < 40; i++)
		t_int(&b, 1);
	t_end(&b);
	expect("{\"data\": [1, 1, 1, 1, \"...\"]}", true);
	set_max(13);
	begin_args();
	t_str(&b, "0123456789");
	expect("{}", true);
}

/* Whatever the limit is: never longer, and what was fits stays whole. */
Test(decode_values, every_limit)
{
	char want[200];
	size_t full = 0;

	for (unsigned max = 200; max >= 5; max--) {
		struct event e;

		set_max(max);
		begin();
		t_open(&b, FT_T_DICT, 3);
		t_str(&b, "key");
		t_open(&b, FT_T_LIST, 3);
		t_str(&b, "some \"text\" of a length");
		t_int(&b, 12345);
		t_pair(&b, FT_T_OBJECT, MODEL, 0x1234);
		t_end(&b);
		t_open(&b, FT_T_TUPLE, 1);
		t_int(&b, 3);
		t_end(&b);
		t_open(&b, FT_T_DICT, 0);
		t_end(&b);
		t_str(&b, "last");
		t_float(&b, 2.5);
		t_end(&b);
		e = value_event();
		if (!full) {
			full = e.value.len;
			memcpy(want, e.value.s, full);
		}
		cr_assert_leq(e.value.len, max);
		cr_assert_eq(e.value.cut, max < full);
		cr_assert(e.value.cut || !memcmp(want, e.value.s, full));
		cr_assert_eq(e.value.original_len, max < full ? full : 0);
	}
}

/* What was cut is rendered once more, within the other limit. */
Test(decode_values, full_texts)
{
	struct event e;

	decoder_set_options(d, &(struct decoder_options){12, true, true, 30});
	numbers(4);
	e = value_event();
	cr_assert(!e.value.full && !e.value.cut);
	numbers(6);
	e = value_event();
	expect_text(&e.value, "[0, \"...\"]");
	expect_full(&e.value, "[0, 1, 2, 3, 4, 5]");
	cr_assert_eq(e.value.original_len, 18);
	numbers(20);
	e = value_event();
	expect_text(&e.value, "[0, \"...\"]");
	expect_full(&e.value, "[0, 1, 2, 3, 4, 5, 6, \"...\"]");
	cr_assert_eq(e.value.original_len, 60);
	begin_args();
	t_str(&b, "abcdefgh");
	t_int(&b, 1);
	e = value_event();
	expect_text(&e.value, "{}");
	expect_full(&e.value, "{\"a\": \"abcdefgh\", \"b\": 1}");
}

/* Cut, but not for its length: there is no more of it. */
Test(decode_values, full_texts_that_say_no_more)
{
	struct event e;

	decoder_set_options(d, &(struct decoder_options){12, true, true, 30});
	begin();
	t_open(&b, FT_T_LIST, 1);
	t_mark(&b, FT_T_DEEP);
	t_end(&b);
	e = value_event();
	expect_text(&e.value, "[\"...\"]");
	cr_assert(e.value.cut && !e.value.full);
	decoder_set_options(d, &(struct decoder_options){12, false, false, 30});
	numbers(6);
	e = value_event();
	expect_text(&e.value, "null");
	cr_assert(e.value.cut && !e.value.full);
}

Test(decode_values, full_text_of_a_long_integer)
{
	unsigned digits[] = {0, 0, 1024}; /* 2 ** 70 */
	struct event e;

	decoder_set_options(d, &(struct decoder_options){20, true, true, 30});
	begin();
	tok(&b, FT_T_BIGINT, 0, 0, digits, sizeof(digits));
	e = value_event();
	expect_text(&e.value, "\"<int of 71 bits>\"");
	expect_full(&e.value, "1180591620717411303424");
}

Test(decode_values, not_captured)
{
	struct event e;

	decoder_set_options(d, &(struct decoder_options){1000, false, false, 0});
	begin_args();
	t_int(&b, 1);
	e = value_event();
	expect_text(&e.value, "{}");
	cr_assert(e.value.cut);
	begin();
	t_int(&b, 1);
	e = value_event();
	expect_text(&e.value, "null");
	cr_assert(e.value.cut);
}
