/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/utf8.h"

bool utf8_is_ascii(const char *s, size_t len)
{
	uint64_t seen = 0, word;

	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&word, s, 8);
		seen |= word;
	}
	for (; len; s++, len--)
		seen |= (unsigned char)*s;
	return !utf8_any_high(seen);
}

#define ONES 0x0101010101010101ull

#define BLOCK 31 /* words whose bytes, counted in the bytes of one word, are 248 at most */

/* How many bytes of these words continue a character? */
static unsigned continuations(const char *s, size_t words)
{
	uint64_t sum = 0, word;

	for (size_t i = 0; i < words; i++) {
		memcpy(&word, s + 8 * i, 8);
		sum += word >> 7 & ~word >> 6 & ONES;
	}
	return (sum * ONES) >> 56;
}

size_t utf8_count(const char *s, size_t len)
{
	size_t n = len;

	while (len >= 8) {
		size_t words = len / 8 < BLOCK ? len / 8 : BLOCK;

		n -= continuations(s, words);
		s += 8 * words;
		len -= 8 * words;
	}
	for (; len; s++, len--)
		n -= utf8_continues(*s);
	return n;
}

size_t utf8_prefix(const char *s, size_t len, size_t n)
{
	size_t i = 0;

	for (; i < len; i++)
		if (!utf8_continues(s[i]) && !n--)
			break;
	return i;
}

size_t utf8_fit(const char *s, size_t len, size_t most)
{
	if (len <= most)
		return len;
	while (most && utf8_continues(s[most]))
		most--;
	return most;
}

char *utf8_put(char *p, uint32_t c)
{
	if (c > 0x10ffff)
		c = UTF8_REPLACEMENT;
	if (c < 0x80) {
		*p++ = c;
	} else if (c < 0x800) {
		*p++ = 0xc0 | c >> 6;
		*p++ = 0x80 | (c & 63);
	} else if (c < 0x10000) {
		*p++ = 0xe0 | c >> 12;
		*p++ = 0x80 | (c >> 6 & 63);
		*p++ = 0x80 | (c & 63);
	} else {
		*p++ = 0xf0 | c >> 18;
		*p++ = 0x80 | (c >> 12 & 63);
		*p++ = 0x80 | (c >> 6 & 63);
		*p++ = 0x80 | (c & 63);
	}
	return p;
}

/* Number of bytes that follow a first byte; -1: it cannot be one. */
static int following(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first < 0xc2)
		return -1;
	return first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
}

uint32_t utf8_get(const char **s, const char *end)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	const char *p = *s;
	unsigned char first = *p++;
	int more = following(first);
	uint32_t c;

	*s = p;
	if (more <= 0)
		return more ? UTF8_REPLACEMENT : first;
	if (end - p < more)
		return UTF8_REPLACEMENT;
	c = first & (0x3f >> more);
	for (int i = 0; i < more; i++) {
		if (!utf8_continues(p[i]))
			return UTF8_REPLACEMENT;
		c = c << 6 | (p[i] & 63);
	}
	if (c < least[more] || c > 0x10ffff)
		return UTF8_REPLACEMENT;
	*s = p + more;
	return c;
}

uint32_t utf8_get_whole(const char **s, const char *end)
{
	uint32_t c = utf8_get(s, end);

	return c >= 0xd800 && c < 0xe000 ? UTF8_REPLACEMENT : c;
}
