/* SPDX-License-Identifier: MIT */
/*
 * From records to sinks: hands the output of one stage to the next, and alone knows them.
 *
 *     record -> decode -> assemble -> filter -> sinks
 *          \-> recording
 *
 * Records come from the live ring (run.c) or from a recording (pipeline_replay).
 */
#ifndef FT_PIPELINE_H
#define FT_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ui.h"
#include "base/why.h"
#include "config.h"
#include "ft_abi.h"
#include "model/event.h"

struct pipeline;

/* What a live run must hear of. */
struct pipeline_live {
	void (*dropped)(void *arg, const struct function *f); /* no prefix named it; not wanted */
	void (*process)(void *arg, const struct event *e);    /* EVENT_PROC_* */
	void *arg;
};

/* live: NULL for a replay. w is kept: later failures are told there. */
int pipeline_new(const struct config *c, const struct pipeline_live *live,
		 struct pipeline **ret_pipeline, struct why *w);
void pipeline_free(struct pipeline *p); /* NULL is fine */
/* A record_fn (ring/recording.h); pipeline is a struct pipeline. */
int pipeline_record(void *pipeline, const struct ft_rec *rec, size_t size);
int pipeline_replay(struct pipeline *p);
int pipeline_flush(struct pipeline *p);
/* SIGHUP; on failure it goes on with the old file. */
int pipeline_reopen(struct pipeline *p, struct why *w);
/* The trace ends: what is open is unfinished. Of a replay everything is written by now. */
int pipeline_finish(struct pipeline *p);
/* Waits so long at the most for what is to be written: -EAGAIN = something is left. */
int pipeline_settle(struct pipeline *p, unsigned ms);
uint64_t pipeline_stalled_ns(const struct pipeline *p); /* for so long nobody took what is left */
/* What is left is lost: told in the trace where that can be, and in why. Only pipeline_status()
 * and pipeline_free() may follow. */
int pipeline_give_up(struct pipeline *p);
/* As many events as were asked for have been written. */
bool pipeline_full(const struct pipeline *p);
void pipeline_status(const struct pipeline *p, struct run_status *ret_status); /* not seconds */

/* FT_CAPTURE_* of the settings. */
unsigned pipeline_capture(const struct config *c);

#endif
