/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/utf8.h"
#include "select/glob.h"

bool glob_is_one(const char *pattern, size_t len)
{
	return memchr(pattern, '*', len) || memchr(pattern, '?', len) || memchr(pattern, '\\', len);
}

static const char *next_character(const char *s, const char *end)
{
	for (s++; s < end && utf8_continues(*s);)
		s++;
	return s;
}

/* One step of both, where neither is at its end and *p is not a star. */
static bool step(const char **p, const char *pattern_end, const char **s, const char *end)
{
	if (**p == '?') {
		++*p;
		*s = next_character(*s, end);
		return true;
	}
	if (**p == '\\' && *p + 1 < pattern_end)
		++*p;
	if (**p != **s)
		return false;
	++*p;
	++*s;
	return true;
}

bool glob_matches(const char *pattern, size_t pattern_len, const char *s, size_t len)
{
	const char *p = pattern, *pattern_end = pattern + pattern_len, *end = s + len;
	const char *star = NULL, *tried = NULL; /* after the last star; what it does not take */

	while (s < end) {
		if (p < pattern_end && *p == '*') {
			star = ++p;
			tried = s;
		} else if (p < pattern_end) {
			const char *before = p;

			if (step(&p, pattern_end, &s, end))
				continue;
			p = before;
			if (!star)
				return false;
			p = star;
			s = ++tried;
		} else if (star) {
			p = star;
			s = ++tried;
		} else {
			return false;
		}
	}
	while (p < pattern_end && *p == '*')
		p++;
	return p == pattern_end;
}
