/* SPDX-License-Identifier: MIT */
/*
 * A hash map from two u64 to a pointer that is not NULL. Open addressing, linear probing; deletion
 * shifts entries back, so there are no tombstones. The map does not own what it points to.
 */
#ifndef FT_MAP_H
#define FT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_slot {
	uint64_t a, b;
	void *value; /* NULL: the slot is free */
};

struct map {
	struct map_slot *slot; /* owned; `size` of them, a power of two, or none */
	size_t size, count;
};

void map_release(struct map *m);
void *map_get(const struct map *m, uint64_t a, uint64_t b);
/* Sets or replaces; 0 or -ENOMEM. ret_old, if not NULL, gets what was there (or NULL). */
int map_put(struct map *m, uint64_t a, uint64_t b, void *value, void **ret_old);
/* Takes out and returns what was there, or NULL. */
void *map_take(struct map *m, uint64_t a, uint64_t b);

/*
 * Takes out every entry for which `out` is true; `out` may free the value. For rare events
 * only: it looks at all entries.
 */
void map_sweep(struct map *m, bool (*out)(void *arg, const struct map_slot *s), void *arg);

/* (pid, tid) as one key. */
static inline uint64_t map_key(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}

#endif
