/* SPDX-License-Identifier: MIT */
/*
 * The writer: one thread without the GIL that takes records out of the channels of all threads, in
 * the order of their times, and puts them through the collector's own pipeline.
 */
#ifndef FT_AGENT_WRITER_H
#define FT_AGENT_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"
#include "config.h"

/* What a run did. */
struct engine_totals {
	uint64_t events, lost, functions, unfinished;
};

/*
 * Opens the file and starts the thread. joins: this process continues the trace of its parent.
 * look: called by the thread now and then. 0, or -errno with w set.
 */
int writer_start(const struct config *config, bool joins, void (*look)(void), struct why *w);
/*
 * Writes everything and ends the thread; nothing is recorded any more. The GIL is held by the
 * caller and given up inside. Without a writer nothing happens.
 */
int writer_stop(struct engine_totals *ret_totals, struct why *w);
/* Nothing can be written any more. */
void writer_fail(int err, const struct why *why);
/* In a child that was forked: what the parent has not written yet is the parent's to write. */
void writer_forked(void);

#endif
