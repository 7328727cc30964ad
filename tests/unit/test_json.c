/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/map.h"
#include "base/number.h"
#include "base/utf8.h"

static struct buf b;

static void expect(const char *want)
{
	cr_assert(b.len == strlen(want) && !memcmp(b.s, want, b.len), "got %.*s, want %s",
		  (int)b.len, b.s, want);
	buf_clear(&b);
}

Test(json, strings)
{
	json_string(&b, "plain text of more than eight bytes", 35);
	expect("\"plain text of more than eight bytes\"");
	json_string(&b, "\"\\/\b\f\n\r\t\0\x1f\x7f", 11);
	expect("\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\"");
	json_string(&b, "\xc3\xa9\xed\x9f\xbf\xf0\x9f\x98\x80", 9);
	expect("\"\xc3\xa9\xed\x9f\xbf\xf0\x9f\x98\x80\"");
	json_string(&b, "1234567\xed\xa0\xbd\xed\xb8\x80", 13);
	expect("\"1234567\\ud83d\\ude00\"");
	json_string(&b, "123456789012345\xed\xa0\xbdx", 19);
	expect("\"123456789012345\\ud83dx\"");
	json_string(&b, "\xed", 1);
	expect("\"\xed\"");
	buf_release(&b);
}

/* In names, which are C strings, a NUL is two bytes that no UTF-8 has. */
Test(json, nul_in_names)
{
	json_string(&b, "a" UTF8_NUL "bcdefgh" UTF8_NUL, 12);
	expect("\"a\\u0000bcdefgh\\u0000\"");
	json_string(&b, "\xc0", 1);
	expect("\"\xc0\"");
	buf_release(&b);
}

Test(json, strings_that_nobody_has_checked)
{
	json_string_unchecked(&b, "plain \"text\"", 12);
	expect("\"plain \\\"text\\\"\"");
	json_string_unchecked(&b, "\xc3\xa9\xf0\x9f\x98\x80 \xed\xa0\xbd", 10);
	expect("\"\xc3\xa9\xf0\x9f\x98\x80 \\ud83d\"");
	json_string_unchecked(&b, "a\xff\xc3(\xed", 5);
	expect("\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\"");
	buf_release(&b);
}

Test(json, over_several_lines)
{
	static const char text[] = "{\"a\": \"x, {\\\"y\\\": [1]}\\\\\", \"b\": [1, {}, []], "
				   "\"c\": {\"d\": null}}\n";

	json_indent(&b, text, sizeof(text) - 1);
	expect("{\n"
	       "  \"a\": \"x, {\\\"y\\\": [1]}\\\\\",\n"
	       "  \"b\": [\n"
	       "    1,\n"
	       "    {},\n"
	       "    []\n"
	       "  ],\n"
	       "  \"c\": {\n"
	       "    \"d\": null\n"
	       "  }\n"
	       "}\n");
	buf_release(&b);
}

/* Each byte value at each place of those that are looked at together, against the plain loop's
 * answer. */
Test(json, every_byte_at_every_place)
{
	for (unsigned c = 0; c < 256; c++) {
		char one[1] = {c}, text[40];
		struct buf alone = {0};

		json_escape(&alone, one, 1);
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, 'x', sizeof(text));
			text[at] = c;
			json_escape(&b, text, sizeof(text));
			cr_assert_eq(b.len, sizeof(text) - 1 + alone.len);
			cr_assert(!memcmp(b.s + at, alone.s, alone.len));
			buf_clear(&b);
		}
		buf_release(&alone);
	}
	buf_release(&b);
}

static void cut(const char *text, size_t room, bool done, const char *want)
{
	BUF_LITERAL(&b, "[");
	json_string(&b, text, strlen(text));
	cr_assert_eq(json_cut_string(&b, 1, room), done);
	expect(want);
}

Test(json, cut_strings)
{
	cut("0123456789", 9, true, "[\"0123...\"");
	cut("0123456789", 5, true, "[\"...\"");
	cut("0123456789", 4, false, "[\"0123456789\"");
	cut("012\n456789", 9, true, "[\"012...\"");
	cut("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9", 7, true, "[\"\xc3\xa9\xc3\xa9...\"");
	cut("\x01", 10, true, "[\"...\"");
	buf_release(&b);
}

/* Pieces of 1 to 6 characters of JSON, in an order without a pattern. */
static void mixed(struct buf *text, size_t pieces)
{
	static const char *const piece[] = {"\n",    "\xc3\xa9", "\xf0\x9f\x98\x80",	  "\x01",
					    "plain", "x",	 "and more that is plain"};
	uint32_t random = pieces;

	for (size_t i = 0; i < pieces; i++) {
		random = random * 1664525 + 1013904223;
		buf_str(text, piece[(random >> 16) % (sizeof(piece) / sizeof(*piece))]);
	}
}

/* The characters of a JSON string up to `end`, an escape in one piece; false: it ends within one.
 */
static bool whole_units(const char *s, const char *end, size_t *ret_chars)
{
	*ret_chars = 0;
	while (s < end) {
		size_t bytes = *s != '\\' ? 1 : s[1] == 'u' ? 6 : 2;

		*ret_chars += *s == '\\' ? bytes : !utf8_continues(*s);
		s += bytes;
	}
	return s == end && !utf8_continues(*s);
}

/* As long as there is room for, and no longer. */
Test(json, cut_strings_at_every_place)
{
	struct buf text = {0}, whole = {0};

	mixed(&text, 40);
	json_string(&whole, text.s, text.len);
	for (size_t room = 5; room < utf8_count(whole.s, whole.len); room++) {
		size_t chars, next, len;

		buf_clear(&b);
		buf_add(&b, whole.s, whole.len);
		cr_assert(json_cut_string(&b, 0, room));
		len = b.len - 4;
		cr_assert(!memcmp(b.s, whole.s, len) && !memcmp(b.s + len, "...\"", 4));
		cr_assert(whole_units(whole.s + 1, whole.s + len, &chars), "room %zu", room);
		cr_assert_leq(chars + 5, room);
		for (len++; !whole_units(whole.s + 1, whole.s + len, &next); len++)
			;
		cr_assert_gt(next + 5, room);
	}
	buf_release(&text);
	buf_release(&whole);
	buf_release(&b);
}

Test(json, characters_of_every_length)
{
	size_t chars = 0;

	mixed(&b, 100);
	for (size_t len = 0; len < b.len; len++) {
		cr_assert_eq(utf8_count(b.s, len), chars);
		chars += !utf8_continues(b.s[len]);
	}
	buf_release(&b);
}

Test(json, integers)
{
	char p[NUMBER_MAX];

	for (unsigned long long v = 1, i = 0; i < 64; i++, v = v * 3 + i) {
		char want[32];
		size_t n = number_u64(p, v) - p;

		snprintf(want, sizeof(want), "%llu", v);
		cr_assert(n == strlen(want) && !memcmp(p, want, n));
		n = number_i64(p, -(long long)v) - p;
		snprintf(want, sizeof(want), "%lld", -(long long)v);
		cr_assert(n == strlen(want) && !memcmp(p, want, n));
		n = number_hex(p, v) - p;
		snprintf(want, sizeof(want), "%llx", v);
		cr_assert(n == strlen(want) && !memcmp(p, want, n));
	}
	cr_assert_eq(number_u64(p, 0) - p, 1);
	cr_assert_eq(number_hex(p, 0) - p, 1);
}

/* Every float reads back as itself. */
Test(json, floats_read_back)
{
	unsigned long long bits = 1;

	for (int i = 0; i < 20000; i++) {
		char p[NUMBER_MAX + 1];
		double v;

		bits = bits * 6364136223846793005ull + 1442695040888963407ull;
		memcpy(&v, &bits, sizeof(v));
		if (i % 4 == 0)
			v = (double)(bits >> 40) / 1000;
		if (v != v || v - v != 0)
			continue;
		*number_float(p, v) = 0;
		cr_assert_eq(strtod(p, NULL), v, "%s", p);
	}
}

Test(json, maps)
{
	struct map m = {0};
	static int values[1000];

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(map_put(&m, i, i * 7, &values[i], NULL), 0);
	for (int i = 0; i < 1000; i += 2)
		cr_assert_eq(map_take(&m, i, i * 7), &values[i]);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(map_get(&m, i, i * 7), i % 2 ? &values[i] : NULL);
	cr_assert_eq(m.count, 500);
	cr_assert_null(map_take(&m, 0, 0));
	map_release(&m);
}

static bool out_of_third(void *arg, const struct map_slot *s)
{
	++*(int *)arg;
	return s->a % 3 == 0;
}

Test(json, map_sweep)
{
	struct map m = {0};
	int seen = 0, value;

	for (int i = 0; i < 1000; i++)
		map_put(&m, i, 0, &value, NULL);
	map_sweep(&m, out_of_third, &seen);
	cr_assert_eq(seen, 1000); /* each one once */
	cr_assert_eq(m.count, 666);
	for (int i = 0; i < 1000; i++)
		cr_assert_eq(map_get(&m, i, 0) != NULL, i % 3 != 0);
	map_release(&m);
}

Test(json, utf8)
{
	static const unsigned points[] = {0, 0x7f, 0x80, 0x7ff, 0x800, 0xfffd, 0x10000, 0x10ffff};
	static const char bad[] = "\x80\xc0\x80\xe0\x80\x80\xff\xc3";
	const char *s = bad, *end = bad + sizeof(bad) - 1;
	char p[UTF8_MAX];

	for (size_t i = 0; i < sizeof(points) / sizeof(*points); i++) {
		const char *at = p, *stop = utf8_put(p, points[i]);

		cr_assert_eq(utf8_get(&at, stop), points[i]);
		cr_assert_eq(at, stop);
	}
	while (s < end)
		cr_assert_eq(utf8_get(&s, end), UTF8_REPLACEMENT);
	cr_assert_eq(utf8_count("a\xc3\xa9z", 4), 3);
	cr_assert_eq(utf8_prefix("a\xc3\xa9z", 4, 2), 3);
	for (size_t most = 0; most <= 5; most++) {
		static const size_t fits[] = {0, 1, 1, 3, 4, 4};

		cr_assert_eq(utf8_fit("a\xc3\xa9z", 4, most), fits[most]);
	}
	s = "\xed\xa0\xbd\xed\x9f\xbf";
	end = s + 6;
	cr_assert_eq(utf8_get_whole(&s, end), UTF8_REPLACEMENT);
	cr_assert_eq(utf8_get_whole(&s, end), 0xd7ff);
	cr_assert_eq(s, end);
}
