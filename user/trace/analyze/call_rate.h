/* SPDX-License-Identifier: MIT */
/*
 * How many calls each thread began, over time: a fixed number of equal buckets, which become
 * twice as wide whenever the trace continues after the last of them.
 */
#ifndef FT_TRACE_CALL_RATE_H
#define FT_TRACE_CALL_RATE_H

#include "base/map.h"
#include "calls/event.h"

#define CALL_RATE_BUCKETS 512
#define CALL_RATE_THREADS 256 /* more are counted together, as pid 0, tid 0 */

struct call_rate_thread {
	uint32_t pid, tid;
	char *name; /* owned: the last one */
	uint64_t calls;
	uint32_t bucket[CALL_RATE_BUCKETS];
};

struct call_rate {
	struct map index;		  /* (pid, tid), 0 -> thread, borrowed */
	struct call_rate_thread **thread; /* owned, in order of appearance */
	size_t count;
	struct map seen; /* pid, 1 or (pid, tid), 0 -> anything */
	uint64_t processes, threads;
	uint64_t start_us, width_us; /* of the first bucket, of each */
};

void call_rate_release(struct call_rate *a);
/* 0 or -ENOMEM. */
int call_rate_add(struct call_rate *a, const struct trace_event *e);

#endif
