/* SPDX-License-Identifier: MIT */
/*
 * All sinks of a run, as one: everything goes to each of them, in their order.
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
	struct why *why; /* borrowed: where what fails is told */
};

/* Is it KIND[:DEST] of a sink that there is? 0, or EXIT_USAGE. */
int sinks_check(const char *to, struct why *w);
/* The file that such a text names, or "-" for standard output; NULL: none. */
const char *sinks_dest(const char *to);

/* Adds one and opens it; its output must not be that of another. */
int sinks_add(struct sinks *s, const char *to, const struct sink_options *o);
int sinks_add_jsonl(struct sinks *s, const char *file, const struct sink_options *o);
/* Does one of them write to this file, whatever it is called? */
bool sinks_write_to(const struct sinks *s, const char *file);
void sinks_release(struct sinks *s);
bool sinks_keep_args(const struct sinks *s);

int sinks_begin(struct sinks *s, const struct span *span);
int sinks_end(struct sinks *s, const struct span *span);
int sinks_request(struct sinks *s, const struct request_span *r);
int sinks_lost(struct sinks *s, const struct loss *l);
int sinks_flush(struct sinks *s);
/* SIGHUP: files anew. w: why one goes on with the old one. */
int sinks_reopen(struct sinks *s, struct why *w);

/* From now on nothing waits for an output. Whoever hands something on asks for room first. */
int sinks_queue(struct sinks *s);
bool sinks_room(struct sinks *s, bool begins);
/* Waits so long at the most: 0 = all is written, -EAGAIN = not yet, else what failed. */
int sinks_settle(struct sinks *s, unsigned ms);
uint64_t sinks_stalled_ns(const struct sinks *s); /* for so long nobody took what waits */
/* What waits is not written; *lost, whose count this sets, tells how much where that can be. Only
 * sinks_release() may follow. ret: of the sink that dropped most, whose name is *ret_name. */
void sinks_give_up(struct sinks *s, const struct loss *lost, struct sink_dropped *ret,
		   const char **ret_name);

#endif
