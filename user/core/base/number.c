/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

char *number_u64(char *p, uint64_t v)
{
	char tmp[20], *t = tmp + sizeof(tmp);
	size_t n;

	while (v >= 100) {
		t -= 2;
		memcpy(t, &pairs[v % 100 * 2], 2);
		v /= 100;
	}
	if (v >= 10) {
		t -= 2;
		memcpy(t, &pairs[v * 2], 2);
	} else {
		*--t = '0' + v;
	}
	n = tmp + sizeof(tmp) - t;
	memcpy(p, t, n);
	return p + n;
}

char *number_i64(char *p, int64_t v)
{
	if (v >= 0)
		return number_u64(p, v);
	*p++ = '-';
	return number_u64(p, -(uint64_t)v);
}

char *number_hex(char *p, uint64_t v)
{
	int shift = v ? 60 - __builtin_clzll(v) / 4 * 4 : 0;

	for (; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[v >> shift & 15];
	return p;
}

void buf_u64(struct buf *b, uint64_t v)
{
	char *room = buf_room(b, NUMBER_MAX);

	if (room)
		b->len += number_u64(room, v) - room;
}

/* ---- floats ------------------------------------------------------------------- */

/* The significant digits of a float: 0.DDDD * 10^point. */
struct digits {
	char d[20];
	int n, point;
};

/* From "%.*e" text, whatever the locale's decimal separator is. */
static void digits_parse(struct digits *g, const char *text)
{
	const char *c = text;

	g->n = 0;
	for (; *c && *c != 'e'; c++)
		if (*c >= '0' && *c <= '9' && g->n < (int)sizeof(g->d))
			g->d[g->n++] = *c;
	g->point = *c ? atoi(c + 1) + 1 : 1;
	while (g->n > 1 && g->d[g->n - 1] == '0')
		g->n--;
}

/*
 * Just above a power of two the gap to the next float is twice the gap below it, so the
 * nearest 16-digit decimal may fail to read back while the next one up does.
 */
static bool next_up_reads_back(char *text, double v)
{
	char *c = strchr(text, 'e');

	if (!c)
		return false;
	for (c--; c >= text; c--) {
		if (*c < '0' || *c > '9')
			continue;
		if (*c < '9') {
			++*c;
			return strtod(text, NULL) == v;
		}
		*c = '0';
	}
	return false;
}

static void digits_shortest(struct digits *g, double v)
{
	/* If 15 digits read back, they are the shortest once trailing zeros are removed. Not so for
	 * subnormals. */
	int n = v < 2.3e-308 ? 1 : 15, exponent;
	char text[40];

	for (; n <= 17; n++) {
		snprintf(text, sizeof(text), "%.*e", n - 1, v);
		if (strtod(text, NULL) == v)
			break;
		if (n == 16 && frexp(v, &exponent) == 0.5 && next_up_reads_back(text, v))
			break;
	}
	digits_parse(g, text);
}

/* Most numbers have few decimals: v = n / 10^6 with n < 10^15 needs no search. */
static bool digits_simple(struct digits *g, double v)
{
	double scaled = v * 1e6;
	uint64_t n;

	if (!(scaled < 1e15))
		return false;
	n = (uint64_t)(scaled + 0.5);
	if (!n || (double)n / 1e6 != v)
		return false;
	g->n = number_u64(g->d, n) - g->d;
	g->point = g->n - 6;
	while (g->n > 1 && g->d[g->n - 1] == '0')
		g->n--;
	return true;
}

static char *put(char *p, const char *s, int n)
{
	memcpy(p, s, n);
	return p + n;
}

static char *put_zeros(char *p, int n)
{
	memset(p, '0', n);
	return p + n;
}

static char *put_exponent(char *p, const struct digits *g)
{
	int e = g->point - 1;

	p = put(p, g->d, 1);
	if (g->n > 1) {
		*p++ = '.';
		p = put(p, g->d + 1, g->n - 1);
	}
	*p++ = 'e';
	*p++ = e < 0 ? '-' : '+';
	e = abs(e);
	if (e < 10)
		*p++ = '0';
	return number_u64(p, e);
}

char *number_float(char *p, double v)
{
	struct digits g;

	if (signbit(v))
		*p++ = '-';
	v = fabs(v);
	if (v == 0)
		return put(p, "0.0", 3);
	if (!digits_simple(&g, v))
		digits_shortest(&g, v);
	if (g.point > 16 || g.point < -3)
		return put_exponent(p, &g);
	if (g.point <= 0) {
		p = put_zeros(put(p, "0.", 2), -g.point);
		return put(p, g.d, g.n);
	}
	if (g.n > g.point) {
		p = put(p, g.d, g.point);
		*p++ = '.';
		return put(p, g.d + g.point, g.n - g.point);
	}
	p = put_zeros(put(p, g.d, g.n), g.point - g.n);
	return put(p, ".0", 2);
}

/* ---- long integers ------------------------------------------------------------ */

#define CHUNK 1000000000u /* nine decimal digits fit in 30 bits */

uint64_t number_bits(const uint32_t *digits, size_t n)
{
	while (n && !digits[n - 1])
		n--;
	return n ? (n - 1) * 30 + (32 - __builtin_clz(digits[n - 1])) : 0;
}

/* chunk = chunk * 2^30 + digit; returns how many chunks there are now. */
static size_t chunks_push(uint32_t *chunk, size_t n, uint32_t digit)
{
	uint64_t carry = digit;

	for (size_t i = 0; i < n; i++) {
		carry += (uint64_t)chunk[i] << 30;
		chunk[i] = carry % CHUNK;
		carry /= CHUNK;
	}
	/* In a hostile record the first digit may be above 2^30: then it adds two chunks. */
	for (; carry; carry /= CHUNK)
		chunk[n++] = carry % CHUNK;
	return n;
}

static char *put_chunk(char *p, uint32_t chunk)
{
	for (int i = 8; i >= 0; i--, chunk /= 10)
		p[i] = '0' + chunk % 10;
	return p + 9;
}

int number_bigint(struct buf *b, const uint32_t *digits, size_t n, int negative)
{
	uint32_t *chunk = calloc(n + n / 8 + 2, sizeof(*chunk));
	size_t used = 0;
	char *p;

	if (!chunk)
		return -ENOMEM;
	for (size_t i = n; i-- > 0;)
		used = chunks_push(chunk, used, digits[i] & 0x3fffffff);
	p = buf_room(b, used * 9 + NUMBER_MAX);
	if (p) {
		char *start = p;

		if (negative && used)
			*p++ = '-';
		p = number_u64(p, used ? chunk[used - 1] : 0);
		for (size_t i = used; i-- > 1;)
			p = put_chunk(p, chunk[i - 1]);
		b->len += p - start;
	}
	free(chunk);
	return p ? 0 : -ENOMEM;
}
