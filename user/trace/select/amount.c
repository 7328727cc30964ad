/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "select/amount.h"

#define LONGEST 48

static const struct {
	const char *name;
	enum amount_unit unit;
	long double scale;
} units[] = {
	{"", AMOUNT_PLAIN, 1},	     {"us", AMOUNT_TIME, 1},	  {"µs", AMOUNT_TIME, 1},
	{"ms", AMOUNT_TIME, 1e3L},   {"s", AMOUNT_TIME, 1e6L},	  {"m", AMOUNT_TIME, 60e6L},
	{"min", AMOUNT_TIME, 60e6L}, {"h", AMOUNT_TIME, 3600e6L}, {"%", AMOUNT_PERCENT, 1},
};

/* strtold() takes more than that: spaces, hexadecimal, "inf". */
static bool begins_like_number(const char *s)
{
	s += *s == '-';
	s += *s == '.';
	return *s >= '0' && *s <= '9' && (s[1] | 0x20) != 'x';
}

bool amount_parse(const char *s, size_t len, struct amount *ret_amount)
{
	char text[LONGEST], *end;
	long double n;

	if (!len || len >= sizeof(text) || memchr(s, 0, len))
		return false;
	memcpy(text, s, len);
	text[len] = 0;
	if (!begins_like_number(text))
		return false;
	n = strtold(text, &end);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) != 0 || !isfinite(n))
			continue;
		*ret_amount = (struct amount){n * units[i].scale, units[i].unit};
		return true;
	}
	return false;
}
