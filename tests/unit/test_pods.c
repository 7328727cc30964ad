/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/pods.h"

static struct pods *p;

static void setup(void)
{
	cr_assert_eq(pods_new(&p), 0);
}

static void teardown(void)
{
	pods_free(p);
}

TestSuite(pods, .init = setup, .fini = teardown);

static int put(const char *uid, const char *name)
{
	struct pod pod = {.namespace = strdup("n"), .name = strdup(name), .uid = strdup(uid)};

	return pods_put(p, &pod);
}

static void expect(const char *uid, const char *name)
{
	struct workload w = {.uid = strdup(uid)};

	cr_expect_eq(pods_fill(p, &w), name ? 0 : -ENOENT, "%s", uid);
	cr_expect_str_eq(w.pod ?: "none", name ?: "none");
	workload_release(&w);
}

Test(pods, come_change_and_go)
{
	unsigned version = pods_version(p);

	expect("u1", NULL);
	cr_assert_eq(put("u1", "a"), 0);
	cr_expect_neq(pods_version(p), version);
	expect("u1", "a");
	cr_assert_eq(put("u1", "b"), 0);
	expect("u1", "b");
	cr_expect_eq(pods_count(p), 1);
	pods_gone(p, "u1");
	pods_gone(p, "u2");
	cr_expect_eq(pods_count(p), 0);
	expect("u1", "b"); /* lines of it may still come */
}

/* What is not in it is gone, as it may have gone while nobody watched. */
Test(pods, are_listed)
{
	put("u1", "a");
	put("u2", "b");
	pods_list_begins(p);
	put("u2", "b");
	put("u3", "c");
	cr_expect_eq(pods_count(p), 3);
	pods_list_ends(p);
	cr_expect_eq(pods_count(p), 2);
	expect("u1", "a");
	put("u1", "a");
	cr_expect_eq(pods_count(p), 3);
}

/* Those that are gone make room. */
Test(pods, are_bounded)
{
	char uid[32];

	for (int i = 0; i < PODS_MAX; i++) {
		snprintf(uid, sizeof(uid), "u%d", i);
		cr_assert_eq(put(uid, uid), 0);
	}
	cr_expect_eq(put("more", "more"), -E2BIG);
	cr_expect_eq(put("u5", "again"), 0);
	pods_gone(p, "u5");
	cr_expect_eq(put("more", "more"), 0);
	expect("more", "more");
	expect("u5", NULL);
	expect("u6", "u6");
	cr_expect_eq(pods_count(p), PODS_MAX);
}

/* A static pod that is made again has the same hash, and another uid of the API server. */
Test(pods, that_exist_come_first)
{
	for (int i = 0; i < 2; i++) {
		struct pod pod = {.namespace = strdup("n"),
				  .name = strdup(i ? "new" : "old"),
				  .uid = strdup(i ? "u2" : "u1"),
				  .static_uid = strdup("hash")};

		cr_assert_eq(pods_put(p, &pod), 0);
		if (!i)
			pods_gone(p, "u1");
	}
	expect("hash", "new");
}
