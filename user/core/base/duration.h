/* SPDX-License-Identifier: MIT */
/*
 * Durations as people type them: a number and one of ns us ms s m h (also µs and min), such as
 * 250us or 1.5s. The caller decides what a number without a unit means, if it accepts one.
 */
#ifndef FT_DURATION_H
#define FT_DURATION_H

#include <stdbool.h>
#include <stddef.h>

struct duration {
	long double n;	     /* finite; where it has 64 bits it holds every uint64_t */
	long double unit_ns; /* 0: there was no unit */
};

/* The whole text must be a duration; false otherwise. */
bool duration_parse(const char *s, size_t len, struct duration *ret_duration);
/* The same in seconds, also the unit of a bare number. May be negative, or inf if too large for a
 * double. */
bool duration_seconds(const char *text, double *ret_seconds);

#endif
