/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "base/json.h"
#include "base/utf8.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

/* The character after the backslash, by the byte to escape: 'u' = \u00XX, '?' = perhaps a
 * surrogate, '0' = perhaps a NUL; 0 = no escape. */
static const char escape_of[256] = {
	'u', 'u', 'u', 'u', 'u', 'u',	      'u',	     'u',	   'b',
	't', 'n', 'u', 'f', 'r', 'u',	      'u',	     'u',	   'u',
	'u', 'u', 'u', 'u', 'u', 'u',	      'u',	     'u',	   'u',
	'u', 'u', 'u', 'u', 'u', ['"'] = '"', ['\\'] = '\\', [0xed] = '?', [0xc0] = '0',
};

static inline uint64_t zero_bytes(uint64_t v)
{
	return (v - ONES) & ~v & HIGHS;
}

/* May one of eight bytes need an escape? False positives are possible. */
static inline bool any_special(uint64_t v)
{
	return (zero_bytes(v ^ (ONES * '"')) | zero_bytes(v ^ (ONES * '\\')) |
		zero_bytes(v ^ (ONES * 0xed)) | zero_bytes(v ^ (ONES * 0xc0)) |
		((v - ONES * 0x20) & ~v & HIGHS)) != 0;
}

static char *put_u(char *p, unsigned c)
{
	static const char hex[] = "0123456789abcdef";

	*p++ = '\\';
	*p++ = 'u';
	*p++ = hex[c >> 12 & 15];
	*p++ = hex[c >> 8 & 15];
	*p++ = hex[c >> 4 & 15];
	*p++ = hex[c & 15];
	return p;
}

static inline __attribute__((always_inline)) char *escape_one(char *p, const char **s,
							      const char *end)
{
	unsigned char c = **s, e = escape_of[c];

	++*s;
	if (!e) {
		*p++ = c;
	} else if (e == 'u') {
		p = put_u(p, c);
	} else if (e == '0') {
		if (*s < end && (unsigned char)**s == 0x80) {
			++*s;
			p = put_u(p, 0);
		} else {
			*p++ = c;
		}
	} else if (e != '?') {
		*p++ = '\\';
		*p++ = e;
	} else if (end - *s >= 2 && (unsigned char)**s >= 0xa0) {
		p = put_u(p, 0xd000 | ((*s)[0] & 63) << 6 | ((*s)[1] & 63));
		*s += 2;
	} else {
		*p++ = c;
	}
	return p;
}

char *json_escape_to(char *p, const char *s, size_t len)
{
	const char *end = s + len;

	while (end - s >= 8) {
		const char *stop = s + 8;
		uint64_t word;

		memcpy(&word, s, 8);
		if (!any_special(word)) {
			memcpy(p, &word, 8);
			p += 8;
			s += 8;
			continue;
		}
		while (s < stop)
			p = escape_one(p, &s, end);
	}
	while (s < end)
		p = escape_one(p, &s, end);
	return p;
}

void json_escape(struct buf *b, const char *s, size_t len)
{
	/* + 8: the copy writes whole 8-byte words. */
	char *room = buf_room(b, len * JSON_GROWTH + 8);

	if (room)
		b->len += json_escape_to(room, s, len) - room;
}

void json_string(struct buf *b, const char *s, size_t len)
{
	char *room = buf_room(b, len * JSON_GROWTH + 10), *p = room;

	if (!room)
		return;
	*p++ = '"';
	p = json_escape_to(p, s, len);
	*p++ = '"';
	b->len += p - room;
}

void json_string_unchecked(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;
	struct buf text = {0};

	if (utf8_is_ascii(s, len)) {
		json_string(b, s, len);
		return;
	}
	while (s < end) {
		char bytes[UTF8_MAX];

		buf_add(&text, bytes, (size_t)(utf8_put(bytes, utf8_get(&s, end)) - bytes));
	}
	if (text.failed)
		b->failed = true;
	else
		json_string(b, text.s, text.len);
	buf_release(&text);
}

/* Length in bytes of the escape or character at s; *ret_chars: its length in characters. */
static size_t unit(const char *s, const char *end, size_t *ret_chars)
{
	const char *p = s + 1;

	if (*s == '\\')
		return *ret_chars = p < end && *p == 'u' ? 6 : 2;
	*ret_chars = 1;
	while (p < end && utf8_continues(*p))
		p++;
	return p - s;
}

bool json_cut_string(struct buf *b, size_t start, size_t room)
{
	const char *text = b->s + start + 1, *end = b->s + b->len - 1, *s = text;
	size_t chars, used = sizeof(JSON_DOTS) - 1;

	if (room < used)
		return false;
	while (s < end) {
		size_t bytes = unit(s, end, &chars);

		if (used + chars > room || bytes > (size_t)(end - s))
			break;
		used += chars;
		s += bytes;
	}
	b->len = s - b->s;
	BUF_LITERAL(b, "...\"");
	return true;
}

static void new_line(struct buf *b, unsigned depth)
{
	buf_char(b, '\n');
	while (depth--)
		BUF_LITERAL(b, "  ");
}

/* The end of the string that starts at s. */
static const char *string_end(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s < end ? s + 1 : end;
}

static bool opens(char c)
{
	return c == '{' || c == '[';
}

static bool closes(char c)
{
	return c == '}' || c == ']';
}

/* One character outside of strings; returns what comes after it. */
static const char *indent_one(struct buf *b, const char *s, const char *end, unsigned *depth)
{
	if (opens(*s) && end - s > 1 && closes(s[1])) {
		buf_add(b, s, 2);
		return s + 2;
	}
	if (closes(*s))
		new_line(b, --*depth);
	buf_char(b, *s);
	if (opens(*s))
		new_line(b, ++*depth);
	if (*s != ',')
		return s + 1;
	new_line(b, *depth);
	return s + 2; /* and the space */
}

void json_indent(struct buf *b, const char *s, size_t len)
{
	const char *end = s + len;
	unsigned depth = 0;

	while (s < end) {
		const char *start = s;

		if (*s != '"') {
			s = indent_one(b, s, end, &depth);
			continue;
		}
		s = string_end(s, end);
		buf_add(b, start, s - start);
	}
}
