/* SPDX-License-Identifier: MIT */
/*
 * How often each duration occurred, for percentiles by nearest rank. Exact while there are few
 * different ones; beyond DURATIONS_EXACT of them, or when all tables of one budget are too large,
 * 128 buckets for each power of two: the percentile is then within 1/256 (0.4 %) of the exact one.
 * Count, sum and greatest are exact always.
 */
#ifndef FT_TRACE_DURATIONS_H
#define FT_TRACE_DURATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DURATIONS_EXACT 16384
#define DURATIONS_SUB_BITS 7
#define DURATIONS_OCTAVES (64 - DURATIONS_SUB_BITS + 1)

/* What the exact tables of many may take together. */
struct durations_budget {
	size_t used, most; /* bytes */
};

struct durations_slot {
	uint64_t us, count; /* count 0: free */
};

struct durations {
	uint64_t count, sum_us, max_us;
	bool approximate;
	struct durations_slot *slot; /* owned; exact: `size` of them, a power of two */
	size_t size, used;
	uint64_t **octave; /* owned; buckets of each power of two, NULL where there are none */
};

void durations_release(struct durations *d, struct durations_budget *budget);
/* 0 or -ENOMEM. */
int durations_add(struct durations *d, struct durations_budget *budget, uint64_t us);
/* ret_us[i]: the smallest duration that percent[i] of all are not above; percent ascending, 1 to
 * 100. 0 everywhere when there are none. 0 or -ENOMEM. */
int durations_percentiles(const struct durations *d, const unsigned *percent, size_t n,
			  uint64_t *ret_us);

/* Sums that stay at their greatest instead of starting anew. */
static inline uint64_t add_capped(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

#endif
