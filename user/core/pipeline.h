/* SPDX-License-Identifier: MIT */
/*
 * From records to sinks: hands the output of each stage to the next, and spans to output.h.
 *
 *     record -> decode -> assemble -> filter -> sinks
 *          \-> recording
 *
 * Records come from the live ring (session/run.c) or from a recording (pipeline_replay).
 */
#ifndef FT_PIPELINE_H
#define FT_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ui.h"
#include "base/why.h"
#include "config.h"
#include "ft_abi.h"
#include "ft_counters.h"
#include "model/event.h"

struct pipeline;

/* Callbacks of a live run. */
struct pipeline_live {
	void (*dropped)(void *arg, const struct function *f); /* the filter does not keep it */
	void *arg;
};

/* live: NULL for a replay. w is kept and receives later failures. */
int pipeline_new(const struct config *c, const struct pipeline_live *live,
		 struct pipeline **ret_pipeline, struct why *w);
void pipeline_free(struct pipeline *p); /* NULL is fine */
/* A record_fn (recording/recording.h); pipeline is a struct pipeline. */
int pipeline_record(void *pipeline, const struct ft_rec *rec, size_t size);
int pipeline_replay(struct pipeline *p);
int pipeline_flush(struct pipeline *p);
/* On SIGHUP: opens the files anew. After a failure the old file stays in use. */
int pipeline_reopen(struct pipeline *p, struct why *w);
/* Writes what the filter has left out since the last time. */
int pipeline_tell_left_out(struct pipeline *p, uint64_t now_ns);
/* Ends the trace: open calls are unfinished. A replay is completely written when this returns. */
int pipeline_finish(struct pipeline *p);
/* Waits at most `ms` milliseconds for output to be written: -EAGAIN = some is left. */
int pipeline_settle(struct pipeline *p, unsigned ms);
uint64_t
pipeline_stalled_ns(const struct pipeline *p); /* time since the last write of what is left */
/* Drops the output that is left, and says so in the trace if possible, and in why. Only
 * pipeline_status() and pipeline_free() may follow. */
int pipeline_give_up(struct pipeline *p);
/* The number of events that was asked for has been written. */
bool pipeline_full(const struct pipeline *p);
void pipeline_status(const struct pipeline *p, struct run_status *ret_status); /* all but seconds */
/* Lost events, for each enum ft_counter, that LOST lines have told of. */
void pipeline_lost_by(const struct pipeline *p, uint64_t ret_events[FT_COUNTER_COUNT]);

/* FT_CAPTURE_* of the settings. */
unsigned pipeline_capture(const struct config *c);

#endif
