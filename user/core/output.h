/* SPDX-License-Identifier: MIT */
/*
 * Chooses what goes to the sinks: everything as it happens, or the finished calls that
 * --slower-than and --errors-only select; in all at most --events events.
 */
#ifndef FT_OUTPUT_H
#define FT_OUTPUT_H

#include "config.h"
#include "filter/finished.h"
#include "ft_counters.h"
#include "sink/segment.h"
#include "sink/sinks.h"

struct output {
	const struct config *config; /* borrowed */
	struct finished finished;
	struct sinks sinks;
	struct segments segments;
	uint64_t events;		    /* written */
	uint64_t filtered;		    /* calls and requests that were not asked for */
	uint64_t lost;			    /* events that were not written in the end */
	uint64_t lost_by[FT_COUNTER_COUNT]; /* told of by LOST lines */
	bool full;			    /* --events are written */
};

/* Does every --to name a sink, and is there a file for --rotate? 0, or EXIT_USAGE. */
int output_check(const struct config *c, struct why *w);
/* Where the events go, for people: the first file, or standard output. */
const char *output_name(const struct config *c);

/* queue: no call may wait for an output. w is kept and receives later failures. output_release() is
 * needed after a failure too. */
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

/* 1: not taken, because the trace has ended. */
int output_begin(struct output *o, const struct span *s);
/* thread: the name of the thread where it began. */
int output_end(struct output *o, const struct span *s, const char *thread);
int output_request(struct output *o, const struct request_span *r);
int output_runtime(struct output *o, const struct runtime_event *r);
/* Counted as filtered. */
int output_left_out(struct output *o, const struct left_out *l);
int output_lost(struct output *o, const struct loss *l);
bool output_room(struct output *o, bool begins);
/* Drops what is still queued, and says so in the trace if possible, and in why. Only
 * output_release() may follow. */
int output_give_up(struct output *o);

#endif
