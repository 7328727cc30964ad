/* SPDX-License-Identifier: MIT */
/*
 * What of a run goes to its sinks: all of it as it happens, or what --slower-than and --errors-only
 * choose when it is over; --events of them at most.
 */
#ifndef FT_OUTPUT_H
#define FT_OUTPUT_H

#include "config.h"
#include "filter/finished.h"
#include "sink/segment.h"
#include "sink/sinks.h"

struct output {
	const struct config *config; /* borrowed */
	struct finished finished;
	struct sinks sinks;
	struct segments segments;
	uint64_t events;   /* written */
	uint64_t filtered; /* calls and requests that were not asked for */
	uint64_t lost;	   /* events that were not written in the end */
	bool full;	   /* the next would have been one too many */
};

/* Is every --to a sink that there is? 0, or EXIT_USAGE. */
int output_check(const struct config *c, struct why *w);
/* Where the events go, for people: the first file, or standard output. */
const char *output_name(const struct config *c);

/* queue: nothing may wait for where it goes. w is kept: later failures are told there. After a
 * failure it is to be released too. */
int output_open(struct output *o, const struct config *c, bool queue, struct why *w);
void output_release(struct output *o);
bool output_full(const struct output *o);

/* Is a call written only when it is over, with the arguments that it then must have? */
static inline bool output_waits(const struct output *o)
{
	return finished_asked(&o->finished);
}

static inline bool output_keeps_args(const struct output *o)
{
	return output_waits(o) || sinks_keep_args(&o->sinks);
}

/* 1: not taken, the trace has ended. */
int output_begin(struct output *o, const struct span *s);
/* thread: the name of the thread where it began. */
int output_end(struct output *o, const struct span *s, const char *thread);
int output_request(struct output *o, const struct request_span *r);
int output_lost(struct output *o, const struct loss *l);
bool output_room(struct output *o, bool begins);
/* What waits is not written any more: told in the trace where that can be, and in why. Only
 * output_release() may follow. */
int output_give_up(struct output *o);

#endif
