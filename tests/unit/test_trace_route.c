/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "read/parse.h"
#include "analyze/route.h"
#include "analyze/routes.h"

Test(route, folding)
{
	static const char *const all[][2] = {
		{"/item/123", "/item/{n}"},
		{"/item/456/", "/item/{n}/"},
		{"/", "/"},
		{"", ""},
		{"//", "//"},
		{"42", "{n}"},
		{"/a/-12/b/1.5/0", "/a/{n}/b/{n}/{n}"},
		{"/a/-/b", "/a/-/b"},
		{"/a/1-2", "/a/1-2"},
		{"/v1/2fa/x86", "/v1/2fa/x86"},
		{"/u/6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5f/x", "/u/{uuid}/x"},
		{"/u/6F1C2A9E-7D1B-4C3A-9E57-0B1F2C3D4E5F", "/u/{uuid}"},
		{"/u/6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5",
		 "/u/6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5"},
		{"/u/6f1c2a9e_7d1b_4c3a_9e57_0b1f2c3d4e5f",
		 "/u/6f1c2a9e_7d1b_4c3a_9e57_0b1f2c3d4e5f"},
		{"/blob/9f86d081884c7d65", "/blob/{hex}"},
		{"/blob/9F86D081", "/blob/{hex}"},
		{"/blob/9f86d08", "/blob/9f86d08"},
		{"/blob/9f86d08g", "/blob/9f86d08g"},
		{"/facade/deadbeef", "/facade/deadbeef"},
		{"/mem/0x7f3a", "/mem/{hex}"},
		{"/mem/0x", "/mem/0x"},
		{"/thumb/17.png", "/thumb/{n}.png"},
		{"/thumb/9f86d081884c7d65.tar.gz", "/thumb/9f86d081884c7d65.tar.gz"},
		{"/thumb/a.17", "/thumb/a.17"},
		{"/.well-known/7", "/.well-known/{n}"},
		{"/a/..", "/a/.."},
		{"/a/1.", "/a/{n}."},
		{"/item/9?page=3", "/item/{n}"},
		{"?x", ""},
		{"/caf\xc3\xa9/1", "/caf\xc3\xa9/{n}"},
		{"/\xff/1", "/\xff/{n}"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t len = strlen(all[i][0]);
		char *path = malloc(len ? len : 1); /* so that the sanitizer sees a step too far */
		struct buf b = {0};

		memcpy(path, all[i][0], len);
		route_fold(&b, path, len);
		cr_expect(b.len == strlen(all[i][1]) && !memcmp(b.s ? b.s : "", all[i][1], b.len),
			  "%s gives %.*s", all[i][0], (int)b.len, b.s);
		buf_release(&b);
		free(path);
	}
}

static void answer(struct routes *r, const char *path, unsigned status, unsigned us)
{
	struct trace_fault fault;
	struct trace_event e;
	char line[1024];
	int len =
		snprintf(line, sizeof(line),
			 "{\"event\": \"HTTP_RESPONSE\", \"timestamp\": 1000, \"method\": \"GET\", "
			 "\"path\": \"%s\", \"status_code\": %u, \"durationMicros\": %u}",
			 path, status, us);

	cr_assert_eq(trace_parse(line, (size_t)len, &e, &fault), TRACE_IS_EVENT);
	cr_assert_eq(routes_add(r, &e), 0);
}

static void expect_route(const struct routes *r, size_t i, const char *path, uint64_t count)
{
	cr_expect_str_eq(r->route[i]->path, path);
	cr_expect_eq(r->route[i]->durations.count, count);
}

/* What is counted under a route, and the slowest with their own paths. */
Test(route, counting)
{
	char path[601];
	const struct slow_request *q;
	struct routes r;

	cr_assert_eq(routes_init(&r, 2), 0);
	answer(&r, "/item/1", 200, 10);
	answer(&r, "/item/2?page=3", 200, 30);
	answer(&r, "/item/-2.5", 200, 5);
	answer(&r, "/u/6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5f", 200, 20);
	answer(&r, "/u/9f86d081", 200, 4);
	answer(&r, "/u/9f86d082", 200, 4);
	answer(&r, "/item/1", 404, 2);
	for (size_t i = 0; i < 300; i++)
		memcpy(path + 2 * i, "\xc3\xa9", 2);
	path[600] = 0;
	answer(&r, path, 500, 1);
	cr_assert_eq(routes_finish(&r), 0);
	cr_assert_eq(r.count, 5);
	expect_route(&r, 0, "/item/{n}", 3);
	expect_route(&r, 1, "/u/{hex}", 2);
	expect_route(&r, 2, "/item/{n}", 1);
	expect_route(&r, 3, "/u/{uuid}", 1);
	cr_expect_eq(strlen(r.route[4]->path), 254); /* 255 would cut a character */
	cr_assert_eq(r.slow.count, 2);
	q = top_n_at(&r.slow, 0);
	cr_expect(q->duration_us == 30 && q->start_us == 970);
	cr_expect_str_eq(q->path, "/item/2?page=3");
	q = top_n_at(&r.slow, 1);
	cr_expect_eq(q->duration_us, 20);
	routes_release(&r);
}
