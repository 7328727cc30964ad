/* SPDX-License-Identifier: MIT */
/*
 * The calls that are open, by their span. Memory is that of the calls open at one time: what is
 * closed is used again.
 *
 *     ENTER --trace_calls_open--> struct trace_call --trace_calls_close--> free list
 */
#ifndef FT_TRACE_CALLS_H
#define FT_TRACE_CALLS_H

#include "base/map.h"
#include "calls/functions.h"

struct trace_call {
	uint64_t span, parent;
	uint64_t start_us;
	struct trace_function *function; /* borrowed */
	uint32_t pid, tid;
	uint64_t line;	  /* of the trace, where its ENTER is */
	const char *file; /* borrowed: the trace */
	bool entered;	  /* false: its ENTER is not in the trace */
	bool raised;	  /* its EXCEPTION was seen */
	bool left_out;	  /* its ENTER was */
	uint64_t error;	  /* for what follows exceptions; 0 at first */
	void *row;	  /* for what counts; NULL at first */
	struct buf args;  /* empty unless a user fills it; its memory is used again */
	struct trace_call *next_free;

	/* Of calls/stacks.h: when it is known to have run, and to have been suspended; the last
	 * moment it ran before; its run; its place on its thread's stack, from 1, 0: it is not
	 * there. */
	uint64_t self_us, wait_us, away_us, children_us;
	uint64_t run;
	size_t place;
	unsigned stack_flags;

	/* For what counts calls while they run: what of it is counted; does a call of the same
	 * function lie below it? */
	uint64_t counted_us, counted_self_us, counted_wait_us;
	bool nested;
};

struct trace_calls {
	struct map open; /* span, 0 -> struct trace_call, owned */
	struct trace_call *free;
};

void trace_calls_release(struct trace_calls *c);
/* NULL: no such call is open. */
static inline struct trace_call *trace_calls_find(const struct trace_calls *c, uint64_t span)
{
	return span ? map_get(&c->open, span, 0) : NULL;
}

/* Opens the event's span, which must not be open; NULL without memory. Fills all that the event
 * says but function, line and file. */
struct trace_call *trace_calls_open(struct trace_calls *c, const struct trace_event *e);
/* The same with its function, and with the first TRACE_ARGS_KEPT bytes of its arguments. */
#define TRACE_ARGS_KEPT 4096
struct trace_call *trace_calls_begin(struct trace_calls *c, struct trace_functions *f,
				     const struct trace_event *e);
/* The functions of the calls around this one that are open, the nearest first; returns how many
 * there are, at most `most`. */
size_t trace_calls_chain(const struct trace_calls *c, const struct trace_call *call,
			 const struct trace_function **ret_functions, size_t most);
/* It may be read until the next call is opened. */
void trace_calls_close(struct trace_calls *c, struct trace_call *call);
/* Calls fn with each that is open, in no order. */
void trace_calls_each(const struct trace_calls *c, void (*fn)(void *arg, struct trace_call *call),
		      void *arg);

#endif
