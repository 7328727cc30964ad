/* SPDX-License-Identifier: MIT */
/*
 * The N of many that took the longest, with a record of each, of whatever type. A heap of what is
 * known so far, the shortest on top, which makes room for the next; its record is used again. Of
 * two that took as long, the one that came first is the longer.
 *
 *     top_n_take(l, us) -> NULL, or a record to fill         top_n_finish(l)
 *                                                              top_n_at(l, 0), (l, 1) ...
 */
#ifndef FT_TRACE_TOP_N_H
#define FT_TRACE_TOP_N_H

#include <stddef.h>
#include <stdint.h>

struct top_n_item {
	uint64_t us, number; /* number: in the order in which they came */
	size_t record;
};

struct top_n {
	struct top_n_item *item; /* owned */
	char *record;		 /* owned; `most` of `size` bytes */
	size_t count, most, size;
	uint64_t came;
};

/* 0 or -ENOMEM. */
int top_n_init(struct top_n *l, size_t most, size_t size);
/* What the records own is released before, through top_n_at(). */
void top_n_release(struct top_n *l);
/* The record to fill: zeroed, or the evicted record for reuse. NULL: not among the N longest. */
void *top_n_take(struct top_n *l, uint64_t us);
/* Puts the longest first; nothing may be taken after it. */
void top_n_finish(struct top_n *l);

/* The record of this place, i < count; in no order before top_n_finish(). */
static inline void *top_n_at(const struct top_n *l, size_t i)
{
	return l->record + l->item[i].record * l->size;
}

#endif
