/* SPDX-License-Identifier: MIT */
#include "read/json_path.h"
#include "read/scan.h"

/* Of an object, after its brace, to the value under this key. Where a key comes twice the first
 * is taken. */
static bool find_key(struct scan *s, const char *name, size_t len)
{
	struct trace_text key;

	do {
		if (!scan_take(s, '"') || !scan_string(s, &key) || !scan_take(s, ':'))
			return false;
		scan_spaces(s);
		if (trace_text_is(&key, name, len))
			return true;
		if (!scan_value(s, 1))
			return false;
	} while (scan_take(s, ','));
	return false;
}

/* Of an array, after its bracket, to the element of this number. */
static bool find_element(struct scan *s, const char *name, size_t len)
{
	struct scan digits = {.p = name, .end = name + len};
	uint64_t n;

	if (!scan_whole(&digits, &n) || digits.p != digits.end)
		return false;
	for (;; n--) {
		scan_spaces(s);
		if (!n)
			return true;
		if (!scan_value(s, 1) || !scan_take(s, ','))
			return false;
	}
}

static bool descend(struct scan *s, const char *name, size_t len)
{
	if (scan_take(s, '{'))
		return find_key(s, name, len);
	return scan_take(s, '[') && find_element(s, name, len);
}

bool json_path_find(const char *json, size_t len, const char *path, struct trace_text *ret_text)
{
	struct scan s = {.p = json, .end = json + len};
	const char *start;

	for (; *path; path += *path == '.') {
		size_t part = strcspn(path, ".");

		if (!descend(&s, path, part))
			return false;
		path += part;
	}
	scan_spaces(&s);
	if (s.p < s.end && *s.p == '"') {
		s.p++;
		return scan_string(&s, ret_text);
	}
	start = s.p;
	if (!scan_value(&s, 1))
		return false;
	*ret_text = (struct trace_text){start, (uint32_t)(s.p - start), false};
	return true;
}
