/* SPDX-License-Identifier: MIT */
/*
 * The N longest calls of a trace, with what is known of each.
 */
#ifndef FT_TRACE_SLOWEST_H
#define FT_TRACE_SLOWEST_H

#include "calls/top_n.h"
#include "calls/stacks.h"

/* Calls around a slow one that are kept. */
#define SLOWEST_CHAIN 32

struct slow_call {
	uint64_t duration_us, start_us, self_us, wait_us;
	uint64_t span;
	const struct trace_function *function; /* borrowed from the table of functions */
	const struct trace_function *chain[SLOWEST_CHAIN]; /* the nearest first */
	size_t chain_len;
	uint32_t pid, tid;
	const char *file; /* borrowed: the trace, and the line of the EXIT in it */
	uint64_t line;
	bool lost;
	struct buf thread, args, exception, request_id; /* owned; empty where not known */
};

struct slowest {
	struct trace_functions functions;
	struct trace_calls calls;
	struct stacks stacks;
	struct top_n longest; /* of struct slow_call */
};

int slowest_init(struct slowest *s, size_t most);
void slowest_release(struct slowest *s);
/* file must outlive s. 0 or -ENOMEM. */
int slowest_add(struct slowest *s, const struct trace_event *e, const char *file, uint64_t line);
/* Puts the longest first; nothing may be added after it. */
void slowest_finish(struct slowest *s);

#endif
