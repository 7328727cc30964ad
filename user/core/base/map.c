/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"

#define MAP_FIRST 64

static size_t home(const struct map *m, uint64_t a, uint64_t b)
{
	uint64_t h = (a * 0x9e3779b97f4a7c15ull) ^ (b * 0xc2b2ae3d27d4eb4full);

	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15ull;
	return (h >> 32) & (m->size - 1);
}

/* The slot that holds the key, or the free one where it would go. */
static struct map_slot *find(const struct map *m, uint64_t a, uint64_t b)
{
	size_t i = home(m, a, b);

	while (m->slot[i].value && (m->slot[i].a != a || m->slot[i].b != b))
		i = (i + 1) & (m->size - 1);
	return &m->slot[i];
}

void map_release(struct map *m)
{
	free(m->slot);
	*m = (struct map){0};
}

void *map_get(const struct map *m, uint64_t a, uint64_t b)
{
	return m->count ? find(m, a, b)->value : NULL;
}

static int grow(struct map *m)
{
	struct map bigger = {.size = m->size ? m->size * 2 : MAP_FIRST};

	bigger.slot = calloc(bigger.size, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < m->size; i++)
		if (m->slot[i].value)
			*find(&bigger, m->slot[i].a, m->slot[i].b) = m->slot[i];
	bigger.count = m->count;
	free(m->slot);
	*m = bigger;
	return 0;
}

int map_put(struct map *m, uint64_t a, uint64_t b, void *value, void **ret_old)
{
	struct map_slot *s;

	/* At most half full, so that every search soon meets a free slot. */
	if (m->count * 2 >= m->size && grow(m))
		return -ENOMEM;
	s = find(m, a, b);
	if (ret_old)
		*ret_old = s->value;
	if (!s->value)
		m->count++;
	*s = (struct map_slot){a, b, value};
	return 0;
}

/* Frees slot i and moves back the entries that probing placed after it. */
static void close_gap(struct map *m, size_t i)
{
	size_t mask = m->size - 1, gap = i;

	for (size_t j = (i + 1) & mask; m->slot[j].value; j = (j + 1) & mask) {
		size_t h = home(m, m->slot[j].a, m->slot[j].b);

		if (((j - h) & mask) < ((j - gap) & mask))
			continue;
		m->slot[gap] = m->slot[j];
		gap = j;
	}
	m->slot[gap].value = NULL;
	m->count--;
}

void *map_take(struct map *m, uint64_t a, uint64_t b)
{
	struct map_slot *s;
	void *value;

	if (!m->count)
		return NULL;
	s = find(m, a, b);
	value = s->value;
	if (value)
		close_gap(m, s - m->slot);
	return value;
}

void map_sweep(struct map *m, bool (*out)(void *arg, const struct map_slot *s), void *arg)
{
	size_t i = 0, start = 0;

	if (!m->count)
		return;
	/* Start after a free slot: then closing a gap moves only entries not yet visited. */
	while (m->slot[start].value)
		start++;
	while (i < m->size) {
		struct map_slot *s = &m->slot[(start + i) & (m->size - 1)];

		if (s->value && out(arg, s))
			close_gap(m, s - m->slot);
		else
			i++;
	}
}
