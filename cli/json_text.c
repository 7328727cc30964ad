/* SPDX-License-Identifier: MIT */
#include <json-c/json.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "json_text.h"

struct json_object *json_text(const char *text)
{
	struct buf b = {};
	struct json_object *o;

	if (!text)
		return NULL;
	for (const char *s = text, *end = s + strlen(s); s < end;) {
		char bytes[UTF8_MAX];

		buf_add(&b, bytes, utf8_put(bytes, utf8_get_whole(&s, end)) - bytes);
	}
	o = json_object_new_string_len(b.len ? b.s : "", b.len);
	buf_release(&b);
	return o;
}

void json_add_text(struct json_object *o, const char *key, const char *text)
{
	json_object_object_add(o, key, json_text(text));
}
