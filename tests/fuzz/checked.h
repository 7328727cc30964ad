/* SPDX-License-Identifier: MIT */
/*
 * What fuzzers of what is made of a trace have in common: its events, and what any output must
 * be, whatever the trace held.
 */
#ifndef FT_FUZZ_CHECKED_H
#define FT_FUZZ_CHECKED_H

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "read/parse.h"

static inline void must(int err)
{
	if (err)
		abort();
}

static inline void each_event(const char *s, const char *end,
			      void (*fn)(void *arg, struct trace_event *e), void *arg)
{
	while (s < end) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		const char *to = newline ? newline : end;
		struct trace_fault fault;
		struct trace_event e;

		if (trace_parse(s, (size_t)(to - s), &e, &fault) == TRACE_IS_EVENT)
			fn(arg, &e);
		s = to + 1;
	}
}

/* UTF-8 as others read it: no surrogates, of which our own has some. */
static inline void must_be_utf8(const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		const char *start = s;
		uint32_t c = utf8_get(&s, end);

		if ((c == UTF8_REPLACEMENT && s - start != 3) || (c >= 0xd800 && c < 0xe000))
			abort();
	}
}

/* All of it is one JSON value, in UTF-8. The caller puts it. */
static inline struct json_object *must_be_json(const char *s, size_t len)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *o;

	json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	o = json_tokener_parse_ex(t, s, (int)len);
	if (!o || json_tokener_get_error(t) != json_tokener_success ||
	    json_tokener_get_parse_end(t) != len)
		abort();
	json_tokener_free(t);
	return o;
}

static inline struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *value = json_object_object_get(o, key);

	if (!value)
		abort();
	return value;
}

static inline struct json_object *element(struct json_object *array, size_t i)
{
	return json_object_array_get_idx(array, i);
}

static inline uint64_t element_u64(struct json_object *array, size_t i)
{
	return json_object_get_uint64(element(array, i));
}

#endif
