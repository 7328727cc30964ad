/* SPDX-License-Identifier: MIT */
/*
 * One thread's side of a trace: its channel to the writer, and what is known of it. Every function
 * of a thread's own is called by that thread, with the GIL held.
 */
#ifndef FT_AGENT_SENDER_H
#define FT_AGENT_SENDER_H

#include "python.h"

#include <stdbool.h>

#include "call_stack.h"
#include "channel.h"
#include "ft_abi.h"

/* Why an event could not be recorded. */
enum loss {
	LOSS_FULL,
	LOSS_REENTERED,
	LOSS_STACK_LOW,
	LOSS_NO_MEMORY,
	LOSS_DISPLACED, /* one for each time */
	LOSS_COUNT
};

struct losses {
	uint32_t count;
	uint64_t first_ns, last_ns;
};

/* Everything about one thread; only that thread touches it, but for the channel. */
struct agent_thread {
	struct agent_thread *next; /* guarded by the lock of all threads */
	struct channel channel;
	_Atomic size_t oversize_bytes; /* bytes of its oversize records that are under way */
	void *scratch;		       /* owned, FT_MAX_RECORD_INSIDE; NULL until it is needed */
	bool long_values;	       /* of this run: a record may be too large for a channel */
	_Atomic bool gone;	       /* the thread is; the writer frees this */
	uint32_t pid, tid;
	uint64_t last_ns; /* of its last record: two calls never start in one nanosecond */
	struct losses losses[LOSS_COUNT]; /* not recorded yet */
	bool has_losses;
	bool busy; /* inside of us: a signal handler that comes back here drops its events */
	bool named;
	struct ft_rec *name;	 /* owned: its THREAD record; NULL: it has no name */
	unsigned announced;	 /* the generation of listeners that know it */
	struct call_stack calls; /* of this run */
	unsigned run;
};

/* This thread; NULL without memory, or when nothing runs. */
struct agent_thread *sender_current(void);
/* A time for a record of this thread, CLOCK_MONOTONIC, later than its last one. */
uint64_t sender_now(struct agent_thread *t);
/*
 * Room for a record of this thread with tokens up to engine_limits(), or NULL: full, and waiting
 * did not help.
 */
void *sender_reserve(struct agent_thread *t);
/* The header of such a record. */
static inline struct ft_rec sender_head(const struct agent_thread *t, unsigned type, size_t size,
					uint64_t now)
{
	return (struct ft_rec){size, type, 0, t->pid, t->tid, now};
}

/* False without memory: it is not recorded. */
bool sender_commit(struct agent_thread *t, struct ft_rec *rec);
/* n events of this thread could not be recorded. */
void sender_lost(struct agent_thread *t, uint64_t now, unsigned n, enum loss why);
/* LOST for what is not recorded yet, where there is room. */
void sender_record_losses(struct agent_thread *t);
/*
 * A record that names what lies at an address, from the time of this thread's last record on. It
 * comes before any record of that time or later.
 */
void sender_announce(struct ft_rec *rec, uint64_t address);

/* ---- all threads ---- */

/* Once in the process. before_new: called before a thread's first record, with the GIL held. */
void senders_init(void (*before_new)(void));
/* What is in the channels is of no run any more. */
void senders_discard(void);
/* What the threads of this run lost and had no room to record. Only where they do not run. */
void senders_record_losses(void);
/* Frees the oversize records that will not be read. */
void senders_free_oversize(void);
/* Around a fork; then in the child, where this thread is alone: it begins anew. */
void senders_lock(void);
void senders_unlock(void);
void senders_forked(void);

/* ---- for the writer ---- */

/* The first threads, up to a maximum, and how far their channels are written. */
struct sender_source {
	struct agent_thread *thread;
	uint64_t head;
	const struct ft_rec *next; /* the writer's */
};

size_t senders_list(struct sender_source *ret_source, size_t max);
/* The writer is done with an oversize record of this thread. */
void sender_free_oversize(struct agent_thread *t, const struct ft_rec *note);
/* Takes one out of the list that is gone and drained, to be freed; NULL: there is none. */
struct agent_thread *senders_take_gone(void);
void sender_free(struct agent_thread *t);

#endif
