/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people type them: 12, -1.5, 10%, and durations (base/duration.h): 250us, 10ms, 2s.
 */
#ifndef FT_TRACE_AMOUNT_H
#define FT_TRACE_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>

enum amount_unit { AMOUNT_PLAIN, AMOUNT_TIME, AMOUNT_PERCENT };

struct amount {
	long double n; /* of time: microseconds; holds every uint64_t where it has 64 bits */
	enum amount_unit unit;
};

/* The whole text must be one; false otherwise. */
bool amount_parse(const char *s, size_t len, struct amount *ret_amount);

#endif
