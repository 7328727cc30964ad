/* SPDX-License-Identifier: MIT */
/*
 * From records to a file: a channel for each thread, and one writer thread without the GIL
 * that takes records out of all of them and puts them through the collector's own pipeline.
 *
 *     thread -> channel \
 *     thread -> channel  > writer -> pipeline (decode, assemble, sink) -> JSONL
 *     names (functions, classes) /
 *
 * A record that is too large for a channel, which only long values make, travels outside of it
 * (oversize.h). What describes a function or a class goes into one buffer for all. The writer puts
 * everything in the order of its time, so that a name is known before its first use, and holds
 * until another thing is at the same address.
 */
#ifndef FT_AGENT_ENGINE_H
#define FT_AGENT_ENGINE_H

#include "python.h"

#include <stdbool.h>

#include "base/map.h"
#include "base/why.h"
#include "channel.h"
#include "settings.h"
#include "values.h"

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

/* A call that is open. */
struct call {
	void *frame;
	PyCodeObject *code; /* borrowed; told from others by its address only */
	uint64_t function;  /* what the records call it */
	uint64_t start_ns;
	uint32_t start_tid;
	bool lost; /* its ENTER could not be recorded: no EXIT either */
};

/* Everything about one thread; only that thread touches it, but for the channel. */
struct agent_thread {
	struct agent_thread *next; /* guarded by the engine's lock */
	struct channel channel;
	_Atomic size_t oversize_bytes; /* bytes of its oversize records that are under way */
	void *scratch;	   /* owned, FT_MAX_RECORD_INSIDE; NULL until values may be long */
	_Atomic bool gone; /* the thread is; the writer frees this */
	uint32_t pid, tid;
	uint64_t last_ns; /* of its last record: two calls never start in one nanosecond */
	struct losses losses[LOSS_COUNT]; /* not recorded yet */
	bool has_losses;
	bool busy; /* inside of us: a signal handler that comes back here drops its events */
	bool named;
	struct ft_rec *name; /* owned: its THREAD record; NULL: it has no name */
	unsigned announced;  /* the generation of listeners that know it */
	struct call *stack;  /* owned; what runs now, of this run */
	size_t depth, room;
	/* Where there are greenlets: stacks.h. */
	uintptr_t bottom;   /* what this stack is known by; 0: the first one */
	uintptr_t first;    /* the bottom frame of the first one; 0: not known, or needed */
	struct map waiting; /* (pid, bottom) -> the other stacks, owned */
	unsigned run;
};

/* What a run did. */
struct engine_totals {
	uint64_t events, lost, functions, unfinished;
};

/* The settings are borrowed until engine_stop(). 0, or -errno with w set. */
int engine_start(const struct settings *settings, struct why *w);
/* Writes everything and ends the writer. The GIL is held by the caller and given up inside. */
int engine_stop(struct engine_totals *ret_totals, struct why *w);
/* What is recorded by now is in the file when it returns. Gives the GIL up. */
int engine_flush(struct why *w);
/* The same as far as it is possible: a file that takes nothing for a second is not waited for. */
void engine_catch_up(void);
bool engine_running(void);
/* Which run this is: what was decided and described in another counts no more. */
extern unsigned engine_run_number;
static inline unsigned engine_run_id(void)
{
	return engine_run_number;
}

uint32_t engine_pid(void);
const struct value_limits *engine_limits(void);
bool engine_captures_args(void);
bool engine_captures_result(void);
bool engine_captures_stack(void);

/* This thread; NULL without memory, or when nothing runs. */
struct agent_thread *engine_thread(void);
/* A time for a record of this thread, CLOCK_MONOTONIC, later than its last one. */
uint64_t engine_now(struct agent_thread *t);
/*
 * Room for a record of this thread with tokens up to engine_limits(), or NULL: full, and waiting
 * did not help.
 */
void *engine_reserve(struct agent_thread *t);
/* The header of such a record. */
static inline struct ft_rec engine_head(const struct agent_thread *t, unsigned type, size_t size,
					uint64_t now)
{
	return (struct ft_rec){size, type, 0, t->pid, t->tid, now};
}

/* False without memory: it is not recorded. */
bool engine_commit(struct agent_thread *t, struct ft_rec *rec);
/* n events of this thread could not be recorded. */
void engine_lost(struct agent_thread *t, uint64_t now, unsigned n, enum loss why);
/*
 * A record that names what lies at an address, from the time of this thread's last record on. It
 * comes before any record of that time or later.
 */
void engine_name(struct ft_rec *rec, uint64_t address);

#endif
