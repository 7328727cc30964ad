/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 by hand. Text inside the program may hold lone surrogates in the three-byte form
 * that UTF-8 itself forbids: Python strings can contain them, and json.c escapes them at
 * the very end. In names, which are C strings, UTF8_NUL stands for a NUL, and json.c escapes that
 * too. "Characters" are code points.
 */
#ifndef FT_UTF8_H
#define FT_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX 4
#define UTF8_REPLACEMENT 0xfffd
#define UTF8_NUL "\xc0\x80" /* the longer form that UTF-8 forbids */

static inline bool utf8_continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Eight bytes at once: is one of them above 0x7f? */
static inline bool utf8_any_high(uint64_t bytes)
{
	return bytes & 0x8080808080808080ull;
}

bool utf8_is_ascii(const char *s, size_t len);
size_t utf8_count(const char *s, size_t len);
/* How many bytes the first n characters take. */
size_t utf8_prefix(const char *s, size_t len, size_t n);
/* How much of it is whole characters and at most `most` bytes. */
size_t utf8_fit(const char *s, size_t len, size_t most);
/* Writes at most UTF8_MAX bytes and returns the end; no code point: U+FFFD. */
char *utf8_put(char *p, uint32_t c);
/* Reads one character and moves *s on; what is not UTF-8 reads as U+FFFD. s < end. */
uint32_t utf8_get(const char **s, const char *end);
/* The same for text that leaves the program other than as JSON: a surrogate is U+FFFD too. */
uint32_t utf8_get_whole(const char **s, const char *end);

#endif
