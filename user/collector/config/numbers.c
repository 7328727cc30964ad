/* SPDX-License-Identifier: MIT */
/*
 * Text to one number: counts, limits, durations, sizes, and the words for true and false.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/duration.h"
#include "config/parser.h"

#define MAX_SECONDS 3153600000.0 /* a hundred years: no clock arithmetic overflows */

int parse_number(struct parser *p, const char *text, uint64_t max, uint64_t *ret_value)
{
	char *end;
	uint64_t value;

	if (!*text || text[strspn(text, "0123456789")])
		return parser_wrong(p, "\"%s\" is not a whole number", text);
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || value > max)
		return parser_wrong(p, "%s is too large, the maximum is %llu", text,
				    (unsigned long long)max);
	*ret_value = value;
	return 0;
}

int parse_limit(struct parser *p, const struct option_row *o, const char *text, unsigned *ret)
{
	uint64_t value;

	if (!*text || text[strspn(text, "0123456789")])
		return parser_wrong(p, "\"%s\" is not a whole number", text);
	errno = 0;
	value = strtoull(text, NULL, 10);
	if (errno || value > o->max)
		return parser_wrong(p, "%s is too large, the maximum is %llu (0 means the maximum)",
				    text, (unsigned long long)o->max);
	*ret = value ? (unsigned)value : (unsigned)o->max;
	return 0;
}

int parse_seconds(struct parser *p, const char *text, double *ret)
{
	double value;

	if (!duration_seconds(text, &value) || value < 0)
		return parser_wrong(
			p, "\"%s\" is not a duration, such as 10 (seconds), 0.5, 500ms or 1h",
			text);
	if (value > MAX_SECONDS)
		return parser_wrong(p, "%s is too long, leave it out for no limit", text);
	*ret = value;
	return 0;
}

/* By how many bits a unit of bytes shifts; 0: this is none. */
static int size_shift(char unit)
{
	static const char units[] = "KMG";
	const char *found = unit ? strchr(units, unit) : NULL;

	return found ? 10 * (int)(found - units + 1) : 0;
}

int parse_size(struct parser *p, const struct option_row *o, const char *text, uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789");
	uint64_t value, size = (uint64_t)sysconf(_SC_PAGESIZE);
	int shift = size_shift(toupper((unsigned char)text[digits]));

	errno = 0;
	value = strtoull(text, NULL, 10);
	if (!digits || text[digits + (shift != 0)] || (!value && !errno))
		return parser_wrong(p, "\"%s\" is not a size, such as 16M or 512K", text);
	if (errno || value > o->max >> shift)
		return parser_wrong(p, "%s is too large, the maximum is %lluM", text,
				    (unsigned long long)o->max >> 20);
	while (size < value << shift)
		size <<= 1;
	*ret = size;
	return 0;
}

/* Whole bytes with a unit in capitals: "30m" is a time. 0: it is none. */
static uint64_t rotate_bytes(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	int shift = size_shift(text[digits]);
	uint64_t value;

	if (!digits || digits > 12 || !shift || text[digits + 1])
		return 0;
	value = strtoull(text, NULL, 10);
	return value > UINT64_MAX >> shift ? 0 : value << shift;
}

int parse_rotate(struct parser *p, const char *text, struct rotate *ret)
{
	struct rotate r = {.bytes = rotate_bytes(text)};
	bool bare = !text[strspn(text, "0123456789.")];

	if (!r.bytes && (bare || !duration_seconds(text, &r.seconds) || r.seconds < 1))
		return parser_wrong(
			p,
			"\"%s\" is neither a size, such as 100M or 1G, nor a time of at "
			"least a second, such as 1h",
			text);
	if (r.seconds > MAX_SECONDS)
		return parser_wrong(p, "%s is too long, leave it out for no limit", text);
	*ret = r;
	return 0;
}

bool parse_truth(const char *text, bool *ret)
{
	static const char *const words[][2] = {
		{"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

	for (size_t i = 0; i < 2 * sizeof(words) / sizeof(words[0]); i++) {
		if (!strcasecmp(text, words[i / 2][i % 2])) {
			*ret = i % 2;
			return true;
		}
	}
	return false;
}
