/* SPDX-License-Identifier: MIT */
/* Answers in pieces of every size. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/cut.h"

static struct buf seen;

static int see(void *arg, const char *s, size_t len)
{
	buf_add(&seen, s, len);
	buf_char(&seen, '|');
	return 0;
}

static void expect(bool list, const char *text, const char *want, const char *want_rest)
{
	size_t len = strlen(text), rest_len = 0;

	for (size_t step = 1; step <= len; step++) {
		const char *rest;
		struct cut c;

		buf_clear(&seen);
		cut_init(&c, list, see, NULL);
		for (size_t at = 0; at < len; at += step)
			cr_assert_eq(cut_feed(&c, text + at, step < len - at ? step : len - at), 0);
		buf_char(&seen, '\0');
		cr_expect_str_eq(seen.s, want, "%s by %zu: %s", text, step, seen.s);
		rest = cut_rest(&c, &rest_len);
		cr_expect_eq(rest != NULL, want_rest != NULL, "%s by %zu", text, step);
		if (rest && want_rest)
			cr_expect(rest_len == strlen(want_rest) &&
					  !memcmp(rest, want_rest, rest_len),
				  "%.*s", (int)rest_len, rest);
		cut_release(&c);
	}
}

Test(cut, lines)
{
	expect(false, "", "", NULL);
	expect(false, "{\"a\":1}\n", "{\"a\":1}|", NULL);
	expect(false, "a\nbc\n\n\nd\n", "a|bc|d|", NULL);
	expect(false, "a\nhalf", "a|", NULL);
}

Test(cut, lists)
{
	expect(true, "{\"items\":[]}", "", "{\"items\":[]}");
	expect(true, "{\"items\":[{},{}]}", "{}|{}|", "{\"items\":[]}");
	expect(true, "{\"a\":{\"items\":[1]},\"items\":[{\"b\":[1,2]}],\"c\":1}", "{\"b\":[1,2]}|",
	       "{\"a\":{\"items\":[1]},\"items\":[],\"c\":1}");
	expect(true, "{\"items\": [ {\"b\":\"],}\\\"[\"} , 2 ] }", "{\"b\":\"],}\\\"[\"}|2|",
	       "{\"items\": [] }");
	expect(true, "{\"items\":null,\"x\":[1]}", "", "{\"items\":null,\"x\":[1]}");
	expect(true, "{\"items\":1,\"x\":[1]}", "", "{\"items\":1,\"x\":[1]}");
	expect(true, "{\"xitems\":[1]}", "", "{\"xitems\":[1]}");
	expect(true, "{\"it\\\"ems\":[1],\"items\":[\"s\",{}]}", "\"s\"|{}|",
	       "{\"it\\\"ems\":[1],\"items\":[]}");
}

Test(cut, lists_that_are_not_whole)
{
	expect(true, "{\"items\":[{}", "", NULL);
	expect(true, "{\"items\":[{},{", "{}|", NULL);
	expect(true, "{\"items\":[{}]", "{}|", NULL);
	expect(true, "{\"ite", "", NULL);
}

/* It is left out, and nothing of it is kept. */
Test(cut, documents_that_are_too_long)
{
	char *big = malloc(CUT_MAX + 1);
	struct cut c;

	memset(big, 'x', CUT_MAX + 1);
	cut_init(&c, false, see, NULL);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(cut_feed(&c, big, CUT_MAX + 1), 0);
	cr_assert_eq(cut_feed(&c, "\nafter\n", 7), 0);
	cr_expect_eq(c.left_out, 1);
	cr_expect(seen.len == 6 && !memcmp(seen.s, "after|", 6));
	cr_expect_leq(c.document.cap, 2 * CUT_MAX + 2);
	cut_release(&c);
	free(big);
}

static int fail(void *arg, const char *s, size_t len)
{
	return -ESTALE;
}

Test(cut, errors)
{
	struct cut c;
	int err = 0;

	cut_init(&c, false, fail, NULL);
	cr_expect_eq(cut_feed(&c, "a\nb\n", 4), -ESTALE);
	cut_release(&c);
	cut_init(&c, true, see, NULL);
	for (int i = 0; !err && i < 2000; i++)
		err = cut_feed(&c, "[", 1);
	cr_expect_eq(err, -EBADMSG);
	cut_release(&c);
	cut_init(&c, true, see, NULL);
	for (err = 0; !err && c.rest.len < 1 << 20;)
		err = cut_feed(&c, "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1,", 35);
	cr_expect_eq(err, -EMSGSIZE);
	cut_release(&c);
}
