/* SPDX-License-Identifier: MIT */
/*
 * Records from one thread to the writer: a ring with one producer and one consumer, no lock.
 * A record lies in one piece; the rest of the ring after it is skipped when it does not fit.
 */
#ifndef FT_AGENT_CHANNEL_H
#define FT_AGENT_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ft_abi.h"

#define CHANNEL_BYTES (1u << 20)

struct channel {
	_Atomic uint64_t head; /* written by the producer: bytes ever put in */
	_Atomic uint64_t tail; /* written by the consumer: bytes ever taken out */
	uint8_t *bytes;	       /* owned, CHANNEL_BYTES */
};

int channel_init(struct channel *c); /* 0 or -ENOMEM */
void channel_release(struct channel *c);

/* FT_MAX_RECORD bytes to write a record into, or NULL: it is full. */
void *channel_reserve(struct channel *c);
/* What was reserved is a record, of the size that it says. */
void channel_commit(struct channel *c, const struct ft_rec *rec);

static inline bool channel_half_full(const struct channel *c)
{
	return atomic_load_explicit(&c->head, memory_order_relaxed) -
		       atomic_load_explicit(&c->tail, memory_order_relaxed) >
	       CHANNEL_BYTES / 2;
}

static inline uint64_t channel_head(const struct channel *c)
{
	return atomic_load_explicit(&c->head, memory_order_acquire);
}

/* The next record before `until`, which channel_head() gave; NULL: there is none. */
const struct ft_rec *channel_peek(struct channel *c, uint64_t until);
/* Done with it: its bytes are free again. */
void channel_take(struct channel *c, const struct ft_rec *rec);

#endif
