/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/mman.h>

#include "channel.h"

#define SKIP 0 /* the type of what fills the end of the ring */

int channel_init(struct channel *c)
{
	void *bytes = mmap(NULL, CHANNEL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (bytes == MAP_FAILED)
		return -ENOMEM;
	c->bytes = bytes;
	atomic_store(&c->head, 0);
	atomic_store(&c->tail, 0);
	return 0;
}

void channel_release(struct channel *c)
{
	if (c->bytes)
		munmap(c->bytes, CHANNEL_BYTES);
	c->bytes = NULL;
}

void *channel_reserve(struct channel *c)
{
	uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);
	uint64_t tail = atomic_load_explicit(&c->tail, memory_order_acquire);
	uint64_t at = head % CHANNEL_BYTES, rest = CHANNEL_BYTES - at;
	struct ft_rec *skip = (struct ft_rec *)(c->bytes + at);

	if (rest >= FT_MAX_RECORD)
		return head - tail + FT_MAX_RECORD <= CHANNEL_BYTES ? skip : NULL;
	if (head - tail + rest + FT_MAX_RECORD > CHANNEL_BYTES)
		return NULL;
	/* rest is a multiple of 8 and holds at least the first 8 bytes of a header. */
	skip->size = rest;
	skip->type = SKIP;
	atomic_store_explicit(&c->head, head + rest, memory_order_release);
	return c->bytes;
}

void channel_commit(struct channel *c, const struct ft_rec *rec)
{
	uint64_t head = atomic_load_explicit(&c->head, memory_order_relaxed);

	atomic_store_explicit(&c->head, head + rec->size, memory_order_release);
}

static void advance(struct channel *c, uint32_t size)
{
	uint64_t tail = atomic_load_explicit(&c->tail, memory_order_relaxed);

	atomic_store_explicit(&c->tail, tail + size, memory_order_release);
}

const struct ft_rec *channel_peek(struct channel *c, uint64_t until)
{
	uint64_t tail;

	while ((tail = atomic_load_explicit(&c->tail, memory_order_relaxed)) < until) {
		const struct ft_rec *rec = (void *)(c->bytes + tail % CHANNEL_BYTES);

		if (rec->type != SKIP)
			return rec;
		advance(c, rec->size);
	}
	return NULL;
}

void channel_take(struct channel *c, const struct ft_rec *rec)
{
	advance(c, rec->size);
}
