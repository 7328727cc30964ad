/* SPDX-License-Identifier: MIT */
/*
 * All sinks of a run as one: each of them gets everything, in their order.
 */
#ifndef FT_SINKS_H
#define FT_SINKS_H

#include <stdbool.h>
#include <stddef.h>

#include "sink/sink.h"

#define SINKS_MAX 8

struct sinks {
	struct sink *at[SINKS_MAX];
	int count;
	struct why *why; /* borrowed: receives failures */
};

/* Is this KIND[:DEST], with the kind of a sink? 0, or EXIT_USAGE. */
int sinks_check(const char *to, struct why *w);
/* The file that such a text names, or "-" for standard output; NULL: none. */
const char *sinks_dest(const char *to);

/* Adds a sink and opens it; its output must not be that of another. */
int sinks_add(struct sinks *s, const char *to, const struct sink_options *o);
int sinks_add_jsonl(struct sinks *s, const char *file, const struct sink_options *o);
/* Does one of them write to this file, under any of its names? */
bool sinks_write_to(const struct sinks *s, const char *file);
void sinks_release(struct sinks *s);
bool sinks_keep_args(const struct sinks *s);

int sinks_begin(struct sinks *s, const struct span *span);
int sinks_end(struct sinks *s, const struct span *span);
int sinks_request(struct sinks *s, const struct request_span *r);
int sinks_runtime(struct sinks *s, const struct runtime_event *r);
int sinks_lost(struct sinks *s, const struct loss *l);
int sinks_left_out(struct sinks *s, const struct left_out *l);
int sinks_state(struct sinks *s, const struct state_change *c);
int sinks_flush(struct sinks *s);
/* On SIGHUP: opens the files anew. w: why a sink keeps its old file. */
int sinks_reopen(struct sinks *s, struct why *w);

/* From now on no call waits for an output. The caller asks for room before it hands something
 * on. */
int sinks_queue(struct sinks *s);
bool sinks_room(struct sinks *s, bool begins);
/* Waits at most `ms` milliseconds: 0 = all is written, -EAGAIN = not yet, else the error. */
int sinks_settle(struct sinks *s, unsigned ms);
uint64_t sinks_stalled_ns(const struct sinks *s); /* time since the last write of queued bytes */
/* Drops what is queued. *lost, whose count this sets, is written to outputs that take it. Only
 * sinks_release() may follow. ret: for the sink that dropped most, whose name is *ret_name. */
void sinks_give_up(struct sinks *s, const struct loss *lost, struct sink_dropped *ret,
		   const char **ret_name);

#endif
