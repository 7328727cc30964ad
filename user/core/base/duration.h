/* SPDX-License-Identifier: MIT */
/*
 * Durations as people type them: a number and one of ns us ms s m h (also µs and min), as
 * 250us or 1.5s. What a number without a unit means, if it is one at all, the caller says.
 */
#ifndef FT_DURATION_H
#define FT_DURATION_H

#include <stdbool.h>
#include <stddef.h>

struct duration {
	long double n;	     /* holds every uint64_t where it has 64 bits; finite */
	long double unit_ns; /* 0: there was no unit */
};

/* The whole text must be one; false otherwise. */
bool duration_parse(const char *s, size_t len, struct duration *ret_duration);
/* The same in seconds, which a number alone is. May be negative, or too large for a double: inf. */
bool duration_seconds(const char *text, double *ret_seconds);

#endif
