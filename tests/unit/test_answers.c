/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/answers.h"
#include "node/api/cut.h"

#define POD(uid, version)                                                                          \
	"{\"metadata\":{\"namespace\":\"n\",\"name\":\"p-" uid "\",\"uid\":\"" uid                 \
	"\",\"resourceVersion\":\"" version "\"}}"
#define EVENT(type, pod) "{\"type\":\"" type "\",\"object\":" pod "}"

static struct answers a;

static void setup(void)
{
	a = (struct answers){};
	cr_assert_eq(pods_new(&a.pods), 0);
}

static void teardown(void)
{
	pods_free(a.pods);
}

TestSuite(answers, .init = setup, .fini = teardown);

static int event(const char *s)
{
	return answers_event(&a, s, strlen(s));
}

static int list(const char *s)
{
	return answers_list(&a, s, strlen(s));
}

Test(answers, events)
{
	cr_expect_eq(event(EVENT("ADDED", POD("u1", "5"))), 0);
	cr_expect_str_eq(a.version, "5");
	cr_expect_eq(pods_count(a.pods), 1);
	cr_expect_eq(event(EVENT("MODIFIED", POD("u2", "6"))), 0);
	cr_expect_eq(pods_count(a.pods), 2);
	cr_expect_eq(event(EVENT("DELETED", POD("u1", "7"))), 0);
	cr_expect_eq(pods_count(a.pods), 1);
	cr_expect_eq(event(EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"90\"}}")), 0);
	cr_expect_str_eq(a.version, "90");
	cr_expect_eq(event(EVENT("NEW", POD("u9", "91"))), 0);
	cr_expect_eq(pods_count(a.pods), 1);
	cr_expect_eq(a.unread, 0);
	cr_expect_eq(a.events, 5);
}

Test(answers, errors)
{
	cr_expect_eq(event(EVENT("ERROR", "{\"kind\":\"Status\",\"code\":410}")), -ESTALE);
	cr_expect_eq(event(EVENT("ERROR", "{\"code\":500}")), -EIO);
	cr_expect_eq(event(EVENT("ERROR", "null")), -EIO);
	cr_expect_eq(event(EVENT("ERROR", "[]")), -EIO);
}

Test(answers, that_cannot_be_read)
{
	static const char *const texts[] = {"x",
					    "[]",
					    "7",
					    "{\"type\":1}",
					    "{\"type\":\"ADDED\"",
					    "{\"type\":\"DELETED\"}",
					    "{\"type\":\"ADDED\"}",
					    "{\"type\":\"ADDED\",\"object\":[[]]}"};
	size_t n = sizeof(texts) / sizeof(texts[0]);

	for (size_t i = 0; i < n; i++)
		cr_expect_eq(event(texts[i]), 0, "%s", texts[i]);
	cr_expect_eq(a.unread, n);
	cr_expect_eq(pods_count(a.pods), 0);
	cr_expect_str_empty(a.version);
}

/* Nothing here is recursive that the server could make deep. */
Test(answers, that_are_deep)
{
	char *deep = malloc(CUT_MAX);

	memset(deep, '[', CUT_MAX);
	cr_expect_eq(answers_event(&a, deep, CUT_MAX), 0);
	cr_expect_eq(answers_item(&a, deep, CUT_MAX), 0);
	cr_expect_eq(a.unread, 2);
	free(deep);
}

Test(answers, versions_that_do_not_fit)
{
	char text[1000], version[400] = "";

	memset(version, '1', sizeof(version) - 1);
	cr_expect_eq(event(EVENT("ADDED", POD("u1", "5"))), 0);
	snprintf(text, sizeof(text),
		 EVENT("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"%s\"}}"), version);
	cr_expect_eq(event(text), 0);
	cr_expect_str_eq(a.version, "5");
	snprintf(text, sizeof(text), "{\"metadata\":{\"resourceVersion\":\"%s\"},\"items\":[]}",
		 version);
	cr_expect_eq(list(text), -EBADMSG);
}

Test(answers, lists)
{
	cr_expect_eq(list("{\"metadata\":{\"resourceVersion\":\"8\"},\"items\":[]}"), 0);
	cr_expect_str_eq(a.version, "8");
	cr_expect_str_empty(a.next);
	cr_expect_eq(list("{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"x/"
			  "y\"},\"items\":[]}"),
		     0);
	cr_expect_str_eq(a.next, "x/y");
	cr_expect_eq(
		list("{\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"\"},\"items\":null}"),
		0);
	cr_expect_str_empty(a.next);
	cr_expect_eq(list("{\"kind\":\"Status\",\"metadata\":{}}"), -EBADMSG);
	cr_expect_eq(list("{\"metadata\":{\"resourceVersion\":\"9\"},\"items\":{}}"), -EBADMSG);
	cr_expect_eq(list("{}"), -EBADMSG);
	cr_expect_eq(list("x"), -EBADMSG);
}
