/* SPDX-License-Identifier: MIT */
#include "announced.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/map.h"
#include "probes.h"

static struct {
	pthread_mutex_t lock;
	struct buf waiting; /* not taken by the writer yet */
	uint64_t last_ns;   /* of the last of them */
	struct map last;    /* (address, type) -> the last record, owned */
} announced = {.lock = PTHREAD_MUTEX_INITIALIZER};

void announced_lock(void)
{
	pthread_mutex_lock(&announced.lock);
}

void announced_unlock(void)
{
	pthread_mutex_unlock(&announced.lock);
}

/* In the place of what was at the same address. */
static void keep(const struct ft_rec *rec, uint64_t address)
{
	struct ft_rec *copy = malloc(rec->size);
	void *old = NULL;

	if (!copy)
		return;
	memcpy(copy, rec, rec->size);
	if (map_put(&announced.last, address, rec->type, copy, &old))
		free(copy);
	free(old);
}

void announce(struct ft_rec *rec, uint64_t address, uint64_t since_ns)
{
	announced_lock();
	if (since_ns > announced.last_ns)
		announced.last_ns = since_ns;
	rec->ts_ns = announced.last_ns;
	buf_add(&announced.waiting, (const char *)rec, rec->size);
	keep(rec, address);
	if (probes_generation())
		probe_name(rec);
	announced_unlock();
}

void announced_take(struct buf *to)
{
	announced_lock();
	if (announced.waiting.len)
		buf_add(to, announced.waiting.s, announced.waiting.len);
	buf_clear(&announced.waiting);
	announced_unlock();
}

static bool fire_name(void *arg, const struct map_slot *slot)
{
	const unsigned *type = arg;
	const struct ft_rec *rec = slot->value;

	if (rec->type == *type)
		probe_name(rec);
	return false;
}

/* Classes first: functions are described by them (up to 3.10). */
static void fire_all(void)
{
	map_sweep(&announced.last, fire_name, &(unsigned){FT_REC_TYPE});
	map_sweep(&announced.last, fire_name, &(unsigned){FT_REC_CODE});
}

void announced_to_listeners(void)
{
	if (!probes_listened()) {
		probes_end();
		(void)probes_came();
		return;
	}
	if (!probes_came())
		return;
	announced_lock();
	fire_all();
	probes_begin();
	announced_unlock();
}

static bool free_record(void *arg, const struct map_slot *slot)
{
	free(slot->value);
	return true;
}

void announced_forget(void)
{
	buf_clear(&announced.waiting);
	map_sweep(&announced.last, free_record, NULL);
}

void announced_forked(void)
{
	pthread_mutex_init(&announced.lock, NULL);
	announced_forget();
}
