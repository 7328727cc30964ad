/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/duration.h"

#define LONGEST 48

static const struct {
	const char *name;
	long double ns;
} units[] = {
	{"", 0},     {"ns", 1},	   {"us", 1e3L},   {"µs", 1e3L},   {"ms", 1e6L},
	{"s", 1e9L}, {"m", 60e9L}, {"min", 60e9L}, {"h", 3600e9L},
};

/* strtold() also accepts leading spaces, hexadecimal and "inf", which are refused here. */
static bool begins_like_number(const char *s)
{
	s += *s == '-';
	s += *s == '.';
	return *s >= '0' && *s <= '9' && (s[1] | 0x20) != 'x';
}

bool duration_parse(const char *s, size_t len, struct duration *ret_duration)
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
		*ret_duration = (struct duration){n, units[i].ns};
		return true;
	}
	return false;
}

bool duration_seconds(const char *text, double *ret_seconds)
{
	struct duration d;

	if (!duration_parse(text, strlen(text), &d))
		return false;
	*ret_seconds = (double)(d.unit_ns > 0 ? d.n * d.unit_ns / NS_PER_SECOND : d.n);
	return true;
}
