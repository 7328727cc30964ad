/* SPDX-License-Identifier: MIT */
#include "read/scan.h"

static bool is_digit(const struct scan *s)
{
	return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* At the backslash. */
static bool scan_escape(struct scan *s)
{
	if (s->end - s->p < 2)
		return scan_fail(s, "a string does not end");
	switch (s->p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		s->p += 2;
		return true;
	case 'u':
		if (s->end - s->p < 6 || !is_hex(s->p[2]) || !is_hex(s->p[3]) || !is_hex(s->p[4]) ||
		    !is_hex(s->p[5]))
			break;
		s->p += 6;
		return true;
	}
	return scan_fail(s, "a string has a wrong escape");
}

/* Length of the UTF-8 character, which is not ASCII, at p; 0: it is none. */
static unsigned utf8_length(const unsigned char *p, const unsigned char *end)
{
	unsigned char low = 0x80, high = 0xbf;
	unsigned n;

	if (*p >= 0xc2 && *p <= 0xdf)
		n = 2;
	else if ((*p & 0xf0) == 0xe0)
		n = 3;
	else if (*p >= 0xf0 && *p <= 0xf4)
		n = 4;
	else
		return 0;
	if (end - p < n)
		return 0;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (*p == 0xe0)
		low = 0xa0;
	else if (*p == 0xed)
		high = 0x9f;
	else if (*p == 0xf0)
		low = 0x90;
	else if (*p == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (unsigned i = 2; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

static bool scan_not_ascii(struct scan *s)
{
	while (s->p < s->end && (unsigned char)*s->p >= 0x80) {
		unsigned n =
			utf8_length((const unsigned char *)s->p, (const unsigned char *)s->end);

		if (!n)
			return scan_fail(s, "it is not UTF-8");
		s->p += n;
	}
	return true;
}

/* What is left of a string that is more than plain text and a quote. */
static bool scan_odd(struct scan *s, bool *ret_escaped)
{
	for (;;) {
		s->p = scan_plain(s->p, s->end);
		if (s->p == s->end)
			return scan_fail(s, "a string does not end");
		if (*s->p == '"')
			return true;
		if (*s->p == '\\') {
			*ret_escaped = true;
			if (!scan_escape(s))
				return false;
		} else if ((unsigned char)*s->p < 0x20) {
			return scan_fail(s, "a string has a control character");
		} else if (!scan_not_ascii(s)) {
			return false;
		}
	}
}

bool scan_string(struct scan *s, struct trace_text *ret_text)
{
	const char *start = s->p;
	bool escaped = false;

	s->p = scan_plain(s->p, s->end);
	if ((s->p == s->end || *s->p != '"') && !scan_odd(s, &escaped))
		return false;
	*ret_text = (struct trace_text){start, (uint32_t)(s->p - start), escaped};
	s->p++;
	return true;
}

static bool scan_digits(struct scan *s)
{
	if (!is_digit(s))
		return scan_fail(s, "a number is not one");
	while (is_digit(s))
		s->p++;
	return true;
}

bool scan_number(struct scan *s)
{
	if (s->p < s->end && *s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p | 0x20) == 'e') {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return scan_digits(s);
	}
	return true;
}

bool scan_whole(struct scan *s, uint64_t *ret_n)
{
	const char *start = s->p;
	uint64_t n = 0;

	while (is_digit(s) && s->p - start < 19)
		n = n * 10 + (uint64_t)(*s->p++ - '0');
	if (is_digit(s) || n > INT64_MAX)
		return scan_fail(s, "is 2^63 or more");
	if (s->p == start || (*start == '0' && s->p - start > 1) ||
	    (s->p < s->end && (*s->p == '.' || (*s->p | 0x20) == 'e')))
		return scan_fail(s, "is not a whole number from 0 on");
	*ret_n = n;
	return true;
}

bool scan_word(struct scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len))
		return scan_fail(s, "expected a JSON value");
	s->p += len;
	return true;
}

static bool scan_object(struct scan *s, unsigned depth)
{
	struct trace_text key;

	if (scan_take(s, '}'))
		return true;
	do {
		if (!scan_take(s, '"'))
			return scan_fail(s, "a key is missing");
		if (!scan_string(s, &key))
			return false;
		if (!scan_take(s, ':'))
			return scan_fail(s, "a colon is missing");
		scan_spaces(s);
		if (!scan_value(s, depth))
			return false;
	} while (scan_take(s, ','));
	return scan_take(s, '}') || scan_fail(s, "an object does not end");
}

static bool scan_array(struct scan *s, unsigned depth)
{
	if (scan_take(s, ']'))
		return true;
	do {
		scan_spaces(s);
		if (!scan_value(s, depth))
			return false;
	} while (scan_take(s, ','));
	return scan_take(s, ']') || scan_fail(s, "an array does not end");
}

bool scan_value(struct scan *s, unsigned depth)
{
	struct trace_text text;

	if (s->p == s->end)
		return scan_fail(s, "expected a JSON value");
	switch (*s->p) {
	case '"':
		s->p++;
		return scan_string(s, &text);
	case '{':
	case '[':
		if (depth >= TRACE_MAX_DEPTH)
			return scan_fail(s, "it is nested too deeply");
		return *s->p++ == '{' ? scan_object(s, depth + 1) : scan_array(s, depth + 1);
	case 't':
		return scan_word(s, "true", 4);
	case 'f':
		return scan_word(s, "false", 5);
	case 'n':
		return scan_word(s, "null", 4);
	case '-':
	case '0' ... '9':
		return scan_number(s);
	}
	return scan_fail(s, "expected a JSON value");
}
