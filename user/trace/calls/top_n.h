/* SPDX-License-Identifier: MIT */
/*
 * The N of many that took the longest, with a record of each, of whatever type. A heap of what is
 * known so far, the shortest on top, which makes room for the next; its record is used again. Of
 * two that took as long, the one that came first is the longer.
 *
 *     longest_take(l, us) -> NULL, or a record to fill         longest_finish(l)
 *                                                              longest_at(l, 0), (l, 1) ...
 */
#ifndef FT_TRACE_LONGEST_H
#define FT_TRACE_LONGEST_H

#include <stddef.h>
#include <stdint.h>

struct longest_item {
	uint64_t us, number; /* number: in the order in which they came */
	size_t record;
};

struct longest {
	struct longest_item *item; /* owned */
	char *record;		   /* owned; `most` of `size` bytes */
	size_t count, most, size;
	uint64_t came;
};

/* 0 or -ENOMEM. */
int longest_init(struct longest *l, size_t most, size_t size);
/* What the records own is released before, through longest_at(). */
void longest_release(struct longest *l);
/* The record to fill, all zero or as somebody filled it who is out now; NULL: it is too short. */
void *longest_take(struct longest *l, uint64_t us);
/* Puts the longest first; nothing may be taken after it. */
void longest_finish(struct longest *l);

/* The record of this place, i < count; in no order before longest_finish(). */
static inline void *longest_at(const struct longest *l, size_t i)
{
	return l->record + l->item[i].record * l->size;
}

#endif
