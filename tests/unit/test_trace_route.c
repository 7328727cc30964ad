/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "trace/route.h"

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
