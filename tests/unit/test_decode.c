/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "build.h"
#include "decode/decode.h"

#define PID 77
#define CODE 0x1000
#define MODEL 0x2000   /* class myapp.models.Order, heap */
#define ORDERED 0x2001 /* static type collections.OrderedDict */
#define VALUE_ERROR 0x2002
#define KEY_ERROR 0x2003
#define OS_ERROR 0x2004
#define APP_ERROR 0x2005 /* heap, myapp.AppError */
#define SPEC_TYPE 0x2006 /* heap type made by C code */

static struct decoder *d;
static struct build b;

static int feed(struct event *e)
{
	struct ft_rec *rec = build_end(&b);
	/* A copy of its own, so that a read past its end is seen by the sanitizer. */
	struct ft_rec *copy = malloc(rec->size);
	int err;

	memcpy(copy, rec, rec->size);
	err = decoder_event(d, copy, copy->size, e, NULL);
	free(copy);
	buf_clear(&b.bytes);
	return err;
}

static void set_max(unsigned max)
{
	decoder_set_options(d, &(struct decoder_options){max, true, true, 0});
}

static void define_type(unsigned long long type, unsigned kind, const char *tp_name,
			const char *qualname, const char *module)
{
	struct event e;

	build_type(&b, PID, type, kind, tp_name, qualname, module);
	cr_assert_eq(feed(&e), 0);
}

static void define_function(const char *params)
{
	struct event e;

	build_code(&b, PID, CODE, 0, "myapp", "f", params);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_FUNCTION);
}

static void setup(void)
{
	decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
	define_type(MODEL, FT_KIND_OBJECT, "Order", "Order", "myapp.models");
	define_type(ORDERED, FT_KIND_OBJECT, "collections.OrderedDict", NULL, NULL);
	define_type(VALUE_ERROR, FT_KIND_EXC, "ValueError", NULL, NULL);
	define_type(KEY_ERROR, FT_KIND_EXC_KEY, "KeyError", NULL, NULL);
	define_type(OS_ERROR, FT_KIND_EXC_OS, "FileNotFoundError", NULL, NULL);
	define_type(APP_ERROR, FT_KIND_EXC, "AppError", "Outer.AppError", "myapp");
	define_type(SPEC_TYPE, FT_KIND_EXC, "ssl.SSLError", "SSLError", "ssl");
	define_function("a b");
}

static void teardown(void)
{
	decoder_free(d);
	buf_release(&b.bytes);
}

TestSuite(decode, .init = setup, .fini = teardown);

static void begin(void)
{
	begin_exit(&b, PID, PID, 5000, CODE, 4000, FT_EXIT_RETURN);
}

static struct event value_event(void)
{
	struct event e = {0};

	cr_assert_eq(feed(&e), 0);
	return e;
}

static void expect_text(const struct text *t, const char *want)
{
	cr_assert(t->len == strlen(want) && !memcmp(t->s, want, t->len), "got %.*s, want %s",
		  (int)t->len, t->s, want);
}

static void expect(const char *want, bool cut)
{
	struct event e = value_event();

	expect_text(&e.value, want);
	cr_assert_eq(e.value.cut, cut, "%s", want);
}

Test(decode, scalars)
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

Test(decode, floats)
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

Test(decode, long_integers)
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

Test(decode, strings)
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

Test(decode, bytes)
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

Test(decode, containers)
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

Test(decode, dict_keys)
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

Test(decode, objects)
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

Test(decode, exception_values)
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

Test(decode, limit_of_lists)
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

Test(decode, limit_of_strings)
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

Test(decode, limit_counts_characters)
{
	set_max(6);
	begin();
	t_str(&b, "\xe9\xe9\xe9\xe9"); /* four characters, eight bytes */
	expect("\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", false);
}

static void begin_args(void)
{
	begin_enter(&b, PID, PID, 4000, CODE, 0);
}

Test(decode, args)
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

Test(decode, limit_of_args)
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
Test(decode, every_limit)
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

static void expect_full(const struct text *t, const char *want)
{
	cr_assert(t->full && t->full_len == strlen(want) && !memcmp(t->full, want, t->full_len),
		  "got %.*s, want %s", (int)t->full_len, t->full ?: "", want);
	cr_assert(t->cut);
}

/* What was cut is rendered once more, within the other limit. */
Test(decode, full_texts)
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
Test(decode, full_texts_that_say_no_more)
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

Test(decode, full_text_of_a_long_integer)
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

Test(decode, not_captured)
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

/* ---- exceptions that were raised ---------------------------------------------- */

static void raise_of(unsigned long long type)
{
	begin_raise(&b, PID, PID, 4500, CODE, 4000, type);
}

static void expect_raise(const char *type, const char *message, bool cut)
{
	struct event e = {0};

	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_RAISE);
	expect_text(&e.exc_type, type);
	expect_text(&e.exc_message, message);
	cr_assert_eq(e.exc_message.cut, cut);
}

Test(decode, messages)
{
	raise_of(VALUE_ERROR);
	expect_raise("ValueError", "", false);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	expect_raise("ValueError", "Invalid input", false);
	raise_of(VALUE_ERROR);
	t_int(&b, 3);
	expect_raise("ValueError", "3", false);
	raise_of(VALUE_ERROR);
	t_str(&b, "a");
	t_int(&b, 1);
	expect_raise("ValueError", "('a', 1)", false);
	raise_of(KEY_ERROR);
	t_str(&b, "k");
	expect_raise("KeyError", "'k'", false);
	raise_of(OS_ERROR);
	t_int(&b, 2);
	t_str(&b, "No such file or directory");
	expect_raise("FileNotFoundError", "[Errno 2] No such file or directory", false);
	raise_of(OS_ERROR);
	t_int(&b, 2);
	t_str(&b, "No such file");
	t_str(&b, "/x");
	expect_raise("FileNotFoundError", "[Errno 2] No such file: '/x'", false);
	raise_of(APP_ERROR);
	t_cut_text(&b, FT_T_STR, "long", 5000);
	expect_raise("AppError", "long...", true);
	raise_of(0x9999);
	expect_raise("<unknown>", "", false);
	set_max(6);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	expect_raise("ValueError", "Inv...", true);
}

Test(decode, full_message)
{
	struct event e = {0};

	decoder_set_options(d, &(struct decoder_options){8, true, true, 12});
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid input");
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	expect_text(&e.exc_message, "Inval...");
	expect_full(&e.exc_message, "Invalid i...");
	cr_assert_eq(e.exc_message.original_len, 13);
	raise_of(VALUE_ERROR);
	t_str(&b, "Invalid");
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	expect_text(&e.exc_message, "Invalid");
	cr_assert(!e.exc_message.full && !e.exc_message.cut);
}

/* ---- functions and threads ---------------------------------------------------- */

static const struct function *function(const char *module, const char *qualname)
{
	struct event e = {0};

	build_code(&b, PID, CODE, 0, module, qualname, "");
	cr_assert_eq(feed(&e), 0);
	return e.function;
}

Test(decode, class_names)
{
	cr_assert_str_eq(function("m", "f")->class_name, "m");
	cr_assert_str_eq(function("m", "C.f")->class_name, "m.C");
	cr_assert_str_eq(function("m", "C.D.f")->class_name, "m.C.D");
	cr_assert_str_eq(function("m", "g.<locals>.f")->class_name, "m");
	cr_assert_str_eq(function("m", "g.<locals>.C.f")->class_name, "m.g.<locals>.C");
	cr_assert_str_eq(function("m", "C.f")->json_head, "\"module\": \"m\", \"function\": \"f\"");
	cr_assert_str_eq(function("m", "C.f")->json_tail,
			 "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/srv/app.py\", "
			 "\"line\": 10");
}

Test(decode, class_of_owner)
{
	struct ft_rec_code *r = build_begin(&b, FT_REC_CODE, sizeof(*r), PID, PID, 1000);
	struct event e;

	r->code = CODE;
	r->owner_type = APP_ERROR;
	t_str(&b, "/srv/app.py");
	t_str(&b, "f");
	t_mark(&b, FT_T_NONE);
	t_str(&b, "m");
	t_open(&b, FT_T_TUPLE, 0);
	t_end(&b);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(e.function->class_name, "m.Outer.AppError");
}

Test(decode, a_description_again)
{
	const struct function *f = function("m", "f");

	cr_assert_eq(function("m", "f"), f);
	cr_assert_neq(function("m", "g"), f);
	cr_assert_str_eq(f->name, "f"); /* still there for the spans that point to it */
}

/* A program that compiles one text again and again, and another where the first was. */
Test(decode, a_description_at_another_address)
{
	const struct function *f = function("m", "f"), *g;
	struct event e;

	build_code(&b, PID, CODE + 64, 0, "m", "f", "");
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.function, f);
	cr_assert_eq(f->code, CODE + 64);
	g = function("m", "g");
	cr_assert_neq(g, f);
	build_code(&b, PID + 1, CODE, 0, "m", "f", "");
	cr_assert_eq(feed(&e), 0);
	cr_assert_neq(e.function, f); /* of another process */
}

Test(decode, thread_names)
{
	struct event e;

	cr_assert_str_eq(decoder_thread_name(d, PID, PID), "MainThread");
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "Thread-80");
	build_thread(&b, PID, 80, "worker");
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "worker");
	build_proc(&b, FT_REC_PROC_FORK, PID, 80, 2000, 99);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, 99, 99), "worker");
	build_begin(&b, FT_REC_THREAD_EXIT, sizeof(struct ft_rec), PID, 80, 3000);
	cr_assert_eq(feed(&e), 0);
	cr_assert_str_eq(decoder_thread_name(d, PID, 80), "Thread-80");
}

/* ---- foreign input ------------------------------------------------------------ */

static void sample(void)
{
	begin();
	t_open(&b, FT_T_DICT, 2);
	t_open(&b, FT_T_TUPLE, 1);
	t_str(&b, "k");
	t_end(&b);
	t_open(&b, FT_T_LIST, 2);
	t_float(&b, 1.5);
	t_pair(&b, FT_T_EXC, VALUE_ERROR, 1);
	t_bytes(&b, "abc", 3);
	t_end(&b);
	t_pair(&b, FT_T_OBJECT, MODEL, 1);
	t_cut_text(&b, FT_T_STR, "abc", 9);
	t_end(&b);
	t_end(&b);
}

Test(decode, truncated_records)
{
	size_t whole;

	sample();
	whole = build_end(&b)->size;
	buf_clear(&b.bytes);
	for (size_t size = 0; size < whole; size++) {
		struct ft_rec *copy = malloc(size + 1);
		struct event e;
		int err;

		sample();
		build_end(&b)->size = size;
		memcpy(copy, b.bytes.s, size);
		err = decoder_event(d, copy, size, &e, NULL);
		/* A result that is not there at all was not captured. */
		if (size < sizeof(struct ft_rec_exit) || size >= sizeof(struct ft_rec_exit) + 8)
			cr_assert_eq(err, -EBADMSG, "%zu of %zu", size, whole);
		free(copy);
		buf_clear(&b.bytes);
	}
}

Test(decode, corrupt_records)
{
	unsigned seed = 1;

	for (int i = 0; i < 20000; i++) {
		struct event e;
		struct ft_rec *rec;

		set_max(i % 3 ? 1000 : 5 + i % 60);
		if (i % 2) {
			sample();
		} else {
			begin_args();
			t_open(&b, FT_T_LIST, 1);
			t_mark(&b, FT_T_TRUE);
			t_end(&b);
			t_str(&b, "text");
		}
		rec = build_end(&b);
		for (int n = 0; n < 3; n++) {
			seed = seed * 1103515245 + 12345;
			((char *)rec)[48 + (seed >> 8) % (rec->size - 48)] = seed >> 24;
		}
		b.start = 0;
		int err = feed(&e);

		cr_assert(!err || err == -EBADMSG);
	}
}

Test(decode, nesting_is_bounded)
{
	struct event e;

	begin();
	for (int i = 0; i < 200; i++)
		t_open(&b, FT_T_LIST, 1);
	for (int i = 0; i < 200; i++)
		t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
	begin();
	t_open(&b, FT_T_DICT, 1);
	for (int i = 0; i < 200; i++)
		t_open(&b, FT_T_TUPLE, 1);
	for (int i = 0; i < 200; i++)
		t_end(&b);
	t_int(&b, 1);
	t_end(&b);
	cr_assert_eq(feed(&e), -EBADMSG);
}

Test(decode, unknown_records_are_skipped)
{
	struct event e = {.type = EVENT_ENTER};

	build_begin(&b, 999, sizeof(struct ft_rec), PID, PID, 1);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_NONE);
}

Test(decode, a_forked_child_has_its_parents_classes)
{
	struct ft_rec_proc *r = build_begin(&b, FT_REC_PROC_FORK, sizeof(*r), PID, PID, 1);
	struct event e;

	r->other = PID + 1;
	cr_assert_eq(feed(&e), 0);
	build_type(&b, PID + 1, VALUE_ERROR, FT_KIND_EXC, "", NULL, NULL);
	cr_assert_eq(feed(&e), 0);
	build_code(&b, PID + 1, CODE, 0, "myapp", "f", "");
	cr_assert_eq(feed(&e), 0);
	begin_raise(&b, PID + 1, PID + 1, 5000, CODE, 4000, VALUE_ERROR);
	t_str(&b, "no");
	expect_raise("ValueError", "no", false);
}

/* ---- HTTP ----------------------------------------------------------------------- */

Test(decode, enter_for_a_request)
{
	struct event e;

	define_function("x");
	begin_enter(&b, PID, 1, 5000, CODE, 0);
	for_request(&b, 9);
	t_int(&b, 7);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.request, 9);
	cr_assert(!memcmp(e.value.s, "{\"x\": 7}", e.value.len));
	begin_enter(&b, PID, 1, 5000, CODE, 0);
	build_rec(&b)->flags |= FT_ENTER_REQUEST;
	cr_assert_eq(feed(&e), -EBADMSG);
}
