/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "analyze/route.h"

#define HEX_MIN 8

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static size_t digits(const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && is_digit(s[n]))
		n++;
	return n;
}

static bool is_number(const char *s, size_t len)
{
	size_t sign = len && *s == '-', whole = digits(s + sign, len - sign);
	size_t taken = sign + whole;

	if (!whole)
		return false;
	if (taken < len && s[taken] == '.') {
		size_t part = digits(s + taken + 1, len - taken - 1);

		taken += part ? part + 1 : 0;
	}
	return taken == len;
}

static bool is_uuid(const char *s, size_t len)
{
	if (len != 36)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is_hex(s[i]))
			return false;
	}
	return true;
}

/* A word may be made of a to f alone: "facade", "deadbeef". */
static bool is_hex_string(const char *s, size_t len)
{
	bool any_digit = false;

	if (len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x') {
		s += 2;
		len -= 2;
		any_digit = true;
	} else if (len < HEX_MIN) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		if (!is_hex(s[i]))
			return false;
		any_digit |= is_digit(s[i]);
	}
	return any_digit;
}

static const char *placeholder(const char *s, size_t len)
{
	if (is_number(s, len))
		return "{n}";
	if (is_uuid(s, len))
		return "{uuid}";
	return is_hex_string(s, len) ? "{hex}" : NULL;
}

static void fold_segment(struct buf *b, const char *s, size_t len)
{
	const char *dot = len ? memrchr(s, '.', len) : NULL;
	size_t stem = dot ? (size_t)(dot - s) : len;
	const char *instead = placeholder(s, len);

	if (instead)
		stem = len;
	else
		instead = placeholder(s, stem);
	if (instead)
		buf_str(b, instead);
	else
		stem = 0;
	if (stem < len)
		buf_add(b, s + stem, len - stem);
}

void route_fold(struct buf *b, const char *path, size_t len)
{
	const char *query, *end;

	if (!len)
		return; /* path may be NULL */
	query = memchr(path, '?', len);
	end = query ? query : path + len;
	while (path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *to = slash ? slash : end;

		fold_segment(b, path, (size_t)(to - path));
		if (slash)
			buf_char(b, '/');
		path = to + (slash != NULL);
	}
}
