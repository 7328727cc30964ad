/* SPDX-License-Identifier: MIT */
#include <stddef.h>
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

/* Bytes that the compiler compares at once where the processor can. */
typedef uint8_t lanes __attribute__((vector_size(16)));

/* How many of sixteen bytes, from the first on, need no escape? 16: all of them. The first is the
 * lowest of a word. */
static inline unsigned plain_bytes(lanes v)
{
	lanes special = (lanes)(v < 0x20) | (lanes)(v == '"') | (lanes)(v == '\\') |
			(lanes)(v == 0xed) | (lanes)(v == 0xc0);
	uint64_t half[2];

	memcpy(half, &special, sizeof(half));
	if (half[0])
		return __builtin_ctzll(half[0]) / 8;
	return half[1] ? 8 + __builtin_ctzll(half[1]) / 8 : 16;
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

	while (end - s >= (ptrdiff_t)sizeof(lanes)) {
		unsigned plain;
		lanes v;

		memcpy(&v, s, sizeof(v));
		memcpy(p, &v, sizeof(v));
		plain = plain_bytes(v);
		p += plain;
		s += plain;
		if (plain < sizeof(v))
			p = escape_one(p, &s, end);
	}
	while (s < end)
		p = escape_one(p, &s, end);
	return p;
}

void json_escape(struct buf *b, const char *s, size_t len)
{
	char *room = buf_room(b, len * JSON_GROWTH);

	if (room)
		b->len += json_escape_to(room, s, len) - room;
}

void json_string(struct buf *b, const char *s, size_t len)
{
	char *room = buf_room(b, len * JSON_GROWTH + 2), *p = room;

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

/* Are eight bytes as many characters, none of them part of an escape that starts here? */
static bool all_single(uint64_t bytes)
{
	return !utf8_any_high(bytes) && !zero_bytes(bytes ^ (ONES * '\\'));
}

/* Skips single characters, eight at a time: at most `most`. */
static const char *skip_singles(const char *s, const char *end, size_t most)
{
	uint64_t word;

	for (; end - s >= 8 && most >= 8; s += 8, most -= 8) {
		memcpy(&word, s, 8);
		if (!all_single(word))
			break;
	}
	return s;
}

bool json_cut_string(struct buf *b, size_t start, size_t room)
{
	const char *s = b->s + start + 1, *end = b->s + b->len - 1;
	size_t chars;

	if (room < sizeof(JSON_DOTS) - 1)
		return false;
	room -= sizeof(JSON_DOTS) - 1;
	while (s < end) {
		const char *singles = s;
		size_t bytes;

		s = skip_singles(s, end, room);
		room -= s - singles;
		if (s == end)
			break;
		bytes = unit(s, end, &chars);
		if (chars > room || bytes > (size_t)(end - s))
			break;
		room -= chars;
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
