/* SPDX-License-Identifier: MIT */
/*
 * Makes the spans and losses that the assembler hands on from its open calls. Only for assemble.c.
 * Functions return 0 or the error that stops the run.
 */
#ifndef FT_HAND_ON_H
#define FT_HAND_ON_H

#include "assemble/assemble.h"
#include "assemble/spans.h"
#include "base/buf.h"
#include "ft_counters.h"

/* Losses that were not written for lack of room; written once there is room. */
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
	int err;	      /* the first error of a sink that was handed an unfinished call */
	struct buf exception; /* the result of a call that an exception left */
	struct buf full;      /* its full text, when it is cut and the full text is wanted */
	struct buf scratch;
};

/* Is there room for a begin (begins), or for an end? */
bool assembler_room(const struct assembler *a, bool begins);
/* Counts events for which there is no room; written as LOST once there is. */
void assembler_lose(struct assembler *a, uint64_t ts_ns, uint64_t count, uint32_t reason);
/* reason: an enum ft_counter. */
int hand_on_loss(struct assembler *a, const struct event *e, uint64_t ts_ns, uint64_t count,
		 uint32_t reason);
int hand_on_untold(struct assembler *a);

int hand_on_begin(struct assembler *a, const struct event *e, const struct open_span *s);
int hand_on_return(struct assembler *a, const struct event *e, const struct open_span *s,
		   uint64_t end_ns);
int hand_on_exception(struct assembler *a, const struct event *e, const struct open_span *s,
		      uint64_t end_ns);
/* A call whose end was lost: it ends when its caller ends. */
int hand_on_lost_end(struct assembler *a, const struct thread_spans *t, const struct open_span *s,
		     uint64_t end_ns);
/* A span_fn; arg is the assembler. The first error of a sink is kept in a->err. */
void hand_on_unfinished(void *arg, uint32_t pid, uint32_t tid, const struct open_span *s);
/* parent: NULL = no call of the thread is open. */
int hand_on_runtime(struct assembler *a, const struct event *e, const struct open_span *parent);
int hand_on_left_out(struct assembler *a, const struct event *e);
int hand_on_state(struct assembler *a, const struct event *e);
int hand_on_request(struct assembler *a, const struct event *e, const struct http *http,
		    uint64_t start_ns, bool over);

#endif
