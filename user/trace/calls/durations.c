/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "calls/durations.h"

#define FIRST_SIZE 16
#define SUB (1u << DURATIONS_SUB_BITS)

void durations_release(struct durations *d, struct durations_budget *budget)
{
	budget->used -= d->size * sizeof(*d->slot);
	free(d->slot);
	for (int i = 0; d->octave && i < DURATIONS_OCTAVES; i++)
		free(d->octave[i]);
	free(d->octave);
	*d = (struct durations){0};
}

static struct durations_slot *find(struct durations_slot *slot, size_t size, uint64_t us)
{
	size_t i = (us * 0x9e3779b97f4a7c15ull >> 32) & (size - 1);

	while (slot[i].count && slot[i].us != us)
		i = (i + 1) & (size - 1);
	return &slot[i];
}

/* Buckets: the values below 128 have one each; above, 128 share a power of two. */
static unsigned octave_of(uint64_t us, unsigned *ret_sub)
{
	unsigned shift;

	if (us < SUB) {
		*ret_sub = (unsigned)us;
		return 0;
	}
	shift = 63 - (unsigned)__builtin_clzll(us) - DURATIONS_SUB_BITS;
	*ret_sub = (unsigned)(us >> shift) - SUB;
	return shift + 1;
}

static uint64_t middle_of(unsigned octave, unsigned sub)
{
	unsigned shift = octave - 1;

	if (!octave)
		return sub;
	return ((uint64_t)(SUB + sub) << shift) + ((uint64_t)1 << shift) / 2;
}

static int add_bucket(struct durations *d, uint64_t us, uint64_t count)
{
	unsigned sub, octave = octave_of(us, &sub);

	if (!d->octave[octave])
		d->octave[octave] = calloc(SUB, sizeof(**d->octave));
	if (!d->octave[octave])
		return -ENOMEM;
	d->octave[octave][sub] += count;
	return 0;
}

/* From exact to buckets. */
static int approximate(struct durations *d, struct durations_budget *budget)
{
	int err = 0;

	d->octave = calloc(DURATIONS_OCTAVES, sizeof(*d->octave));
	if (!d->octave)
		return -ENOMEM;
	d->approximate = true;
	for (size_t i = 0; i < d->size && !err; i++)
		if (d->slot[i].count)
			err = add_bucket(d, d->slot[i].us, d->slot[i].count);
	budget->used -= d->size * sizeof(*d->slot);
	free(d->slot);
	d->slot = NULL;
	d->size = d->used = 0;
	return err;
}

/* Twice the table, or buckets. */
static int grow(struct durations *d, struct durations_budget *budget)
{
	size_t size = d->size ? d->size * 2 : FIRST_SIZE;
	size_t more = (size - d->size) * sizeof(*d->slot);
	struct durations_slot *slot;

	if (d->used >= DURATIONS_EXACT || (d->size && budget->used + more > budget->most))
		return approximate(d, budget);
	slot = calloc(size, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < d->size; i++)
		if (d->slot[i].count)
			*find(slot, size, d->slot[i].us) = d->slot[i];
	free(d->slot);
	d->slot = slot;
	d->size = size;
	budget->used += more;
	return 0;
}

static int add_exact(struct durations *d, struct durations_budget *budget, uint64_t us)
{
	struct durations_slot *s = d->size ? find(d->slot, d->size, us) : NULL;
	int err;

	if (!s || (!s->count && d->used * 2 >= d->size)) {
		err = grow(d, budget);
		if (err || d->approximate)
			return err ? err : add_bucket(d, us, 1);
		s = find(d->slot, d->size, us);
	}
	d->used += !s->count;
	s->us = us;
	s->count++;
	return 0;
}

int durations_add(struct durations *d, struct durations_budget *budget, uint64_t us)
{
	d->count++;
	d->sum_us = add_capped(d->sum_us, us);
	if (us > d->max_us)
		d->max_us = us;
	return d->approximate ? add_bucket(d, us, 1) : add_exact(d, budget, us);
}

/* Walks durations in order of size and gives those at the ranks. */
struct ranks {
	const unsigned *percent;
	size_t n, next;
	uint64_t all, passed, max_us;
	uint64_t *ret_us;
};

static void pass(struct ranks *r, uint64_t us, uint64_t count)
{
	r->passed += count;
	/* Nearest rank: the first that has percent/100 of all at or below it. */
	while (r->next < r->n && (unsigned __int128)r->passed * 100 >=
					 (unsigned __int128)r->all * r->percent[r->next])
		r->ret_us[r->next++] = us < r->max_us ? us : r->max_us;
}

static int by_duration(const void *a, const void *b)
{
	const struct durations_slot *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

static int walk_exact(const struct durations *d, struct ranks *r)
{
	struct durations_slot *sorted = calloc(d->used, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < d->size; i++)
		if (d->slot[i].count)
			sorted[n++] = d->slot[i];
	qsort(sorted, n, sizeof(*sorted), by_duration);
	for (size_t i = 0; i < n; i++)
		pass(r, sorted[i].us, sorted[i].count);
	free(sorted);
	return 0;
}

int durations_percentiles(const struct durations *d, const unsigned *percent, size_t n,
			  uint64_t *ret_us)
{
	struct ranks r = {percent, n, 0, d->count, 0, d->max_us, ret_us};

	for (size_t i = 0; i < n; i++)
		ret_us[i] = 0;
	if (!d->count)
		return 0;
	if (!d->approximate)
		return walk_exact(d, &r);
	for (unsigned octave = 0; octave < DURATIONS_OCTAVES; octave++)
		for (unsigned sub = 0; d->octave[octave] && sub < SUB; sub++)
			if (d->octave[octave][sub])
				pass(&r, middle_of(octave, sub), d->octave[octave][sub]);
	return 0;
}
