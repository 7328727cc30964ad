/* SPDX-License-Identifier: MIT */
/*
 * What the assembler hands on, made of what it knows of a call that is open. Only for assemble.c.
 * Each returns 0 or what stopped the run.
 */
#ifndef FT_HAND_ON_H
#define FT_HAND_ON_H

#include "assemble/assemble.h"
#include "assemble/spans.h"
#include "base/buf.h"
#include "ft_counters.h"

/* Events that no line told of, for want of room: told when there is some. */
struct untold {
	uint64_t count[FT_COUNTER_COUNT];
	uint64_t last_ns;
	bool any;
};

struct assembler {
	struct assembler_options o;
	struct assembler_stats stats;
	struct untold untold;
	struct spans spans;
	struct requests requests;
	uint64_t last_number;
	uint64_t last_ns;     /* of the last event */
	int err;	      /* what unfinished calls met */
	struct buf exception; /* text of a result that is an exception */
	struct buf full;      /* the whole of it, when it is cut and that is wanted */
	struct buf scratch;
};

/* Is there room for what begins something, or ends it? */
bool assembler_room(const struct assembler *a, bool begins);
/* Counts events for which there is none; they are told when there is. */
void assembler_lose(struct assembler *a, uint64_t ts_ns, uint64_t count, uint32_t reason);
/* reason: an enum ft_counter. */
int hand_on_loss(struct assembler *a, const struct event *e, uint64_t ts_ns, uint32_t count,
		 uint32_t reason);
int hand_on_untold(struct assembler *a);

int hand_on_begin(struct assembler *a, const struct event *e, const struct open_span *s);
int hand_on_return(struct assembler *a, const struct event *e, const struct open_span *s,
		   uint64_t end_ns);
int hand_on_exception(struct assembler *a, const struct event *e, const struct open_span *s,
		      uint64_t end_ns);
/* A call whose end was lost: it ended by the time that the call around it did. */
int hand_on_lost_end(struct assembler *a, const struct thread_spans *t, const struct open_span *s,
		     uint64_t end_ns);
/* A span_fn; arg is the assembler. What a sink says to it is kept in a->err. */
void hand_on_unfinished(void *arg, uint32_t pid, uint32_t tid, const struct open_span *s);
int hand_on_request(struct assembler *a, const struct event *e, const struct http *http,
		    uint64_t start_ns, bool over);

#endif
