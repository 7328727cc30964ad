/* SPDX-License-Identifier: MIT */
/*
 * The bytes of JSON: where strings and numbers end, and that they are what they should be. The
 * hot path of all reading.
 */
#ifndef FT_TRACE_SCAN_H
#define FT_TRACE_SCAN_H

#include <string.h>

#include "read/parse.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

struct scan {
	const char *p, *end;
	const char *what; /* what is wrong, once something is */
};

static inline bool scan_fail(struct scan *s, const char *what)
{
	s->what = what;
	return false;
}

static inline void scan_spaces(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r' || *s->p == '\n'))
		s->p++;
}

/* Takes this byte, after spaces. */
static inline bool scan_take(struct scan *s, char c)
{
	scan_spaces(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static inline bool scan_is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* The first byte of a string's text that is not plain: quote, backslash, control, not ASCII. */
static inline const char *scan_plain(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'),
		      space = _mm_set1_epi8(0x20);

	for (; end - p >= 16; p += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)p);
		/* Signed: what is not ASCII is below the space too. */
		__m128i odd = _mm_or_si128(
			_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, slash)),
			_mm_cmplt_epi8(bytes, space));
		int mask = _mm_movemask_epi8(odd);

		if (mask)
			return p + __builtin_ctz((unsigned)mask);
	}
#endif
	while (p < end && scan_is_plain((unsigned char)*p))
		p++;
	return p;
}

/* After the opening quote; ends after the closing one. */
bool scan_string(struct scan *s, struct trace_text *ret_text);
/* Of any kind, at its first byte; ends after it. */
bool scan_value(struct scan *s, unsigned depth);
bool scan_number(struct scan *s);
bool scan_word(struct scan *s, const char *word, size_t len);
/* Digits only, below 2^63; false, with `what`, for anything else. */
bool scan_whole(struct scan *s, uint64_t *ret_n);

#endif
