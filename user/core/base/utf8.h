/* SPDX-License-Identifier: MIT */
/*
 * UTF-8 by hand. Text inside the program may hold lone surrogates in the three-byte form that UTF-8
 * itself forbids: Python strings can contain them, and json.c escapes them at the very end. In
 * names, which are C strings, a NUL is written as UTF8_NUL, which json.c escapes too. "Characters"
 * are code points.
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

/* Is one of eight bytes above 0x7f? */
static inline bool utf8_any_high(uint64_t bytes)
{
	return bytes & 0x8080808080808080ull;
}

bool utf8_is_ascii(const char *s, size_t len);
size_t utf8_count(const char *s, size_t len);
/* How many bytes the first n characters take. */
size_t utf8_prefix(const char *s, size_t len, size_t n);
/* Length in bytes of the longest prefix that is whole characters and at most `most` bytes. */
size_t utf8_fit(const char *s, size_t len, size_t most);
/* Writes at most UTF8_MAX bytes and returns the end; U+FFFD for what is not a code point. */
char *utf8_put(char *p, uint32_t c);
/* Reads one character and advances *s; invalid UTF-8 reads as U+FFFD. Requires *s < end. */
uint32_t utf8_get(const char **s, const char *end);
/* The same for text that is not written as JSON: a surrogate reads as U+FFFD too. */
uint32_t utf8_get_whole(const char **s, const char *end);

#endif
