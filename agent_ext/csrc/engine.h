/* SPDX-License-Identifier: MIT */
/*
 * A run, from begin to end: from records to a file.
 *
 *     thread -> channel \
 *     thread -> channel  > writer -> pipeline (decode, assemble, sink) -> JSONL
 *     names (functions, classes) /
 *
 * Each file calls those below it only:
 *
 *     engine.c              begin, end, flush, fork
 *     writer.c              from the channels to the pipeline
 *     sender.c              one thread's side: its channel, what it lost
 *     announced.c           names
 *     control.c             what is asked of the writer, and how far it is
 *     channel.c oversize.c  what a record travels in
 *     state.c               which run this is, and its settings
 *
 * A record that is too large for a channel, which only long values make, travels outside of it
 * (oversize.h). What describes a function or a class goes into one buffer for all. The writer puts
 * everything in the order of its time, so that a name is known before its first use, and holds
 * until another thing is at the same address.
 */
#ifndef FT_AGENT_ENGINE_H
#define FT_AGENT_ENGINE_H

#include "settings.h"
#include "state.h"
#include "writer.h"

/*
 * The settings are borrowed until engine_stop(). look: called now and then while the run is on, by
 * a thread without the GIL. 0, or -errno with w set.
 */
int engine_start(const struct settings *settings, void (*look)(void), struct why *w);
/* Writes everything and ends the writer. The GIL is held by the caller and given up inside. */
int engine_stop(struct engine_totals *ret_totals, struct why *w);
/* What is recorded by now is in the file when it returns. Gives the GIL up. */
int engine_flush(struct why *w);
/* The same as far as it is possible: a file that takes nothing for a second is not waited for. */
void engine_catch_up(void);

#endif
