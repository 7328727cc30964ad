/* SPDX-License-Identifier: MIT */
/*
 * Where spans go. A sink is one file here that ends in its struct sink_ops, and one row of the
 * table in sinks.c. Sinks buffer; flush is asked for at least every 100 ms.
 *
 *     begin, end, request, ... --> sink --> text in its stream --> queue --> thread --> file
 *
 * No call may wait for an output: a sink that writes text has a stream (stream.h), with a queue and
 * a thread. sinks.c makes, opens and frees both the sink and its stream.
 */
#ifndef FT_SINK_H
#define FT_SINK_H

#include "base/buf.h"
#include "base/why.h"
#include "model/span.h"
#include "sink/stream.h"

struct segments;
struct sink;

struct sink_options {
	struct stream_options stream;
	/* Borrowed: where the full text of cut lines goes; NULL = nowhere. */
	struct segments *segments;
};

/* What is dropped instead of written. */
struct sink_dropped {
	uint64_t lines;	 /* except STATE and SAMPLED ones, which do not count */
	uint64_t events; /* lost by that: lines, except LOST ones, which were counted before */
	uint64_t told;	 /* the sum of the counts in those LOST lines */
};

struct sink_ops {
	const char *kind; /* as in --to KIND:DEST */
	const char *dest; /* the default of DEST; NULL: it takes none */
	bool keep_args;	  /* end() needs the arguments too */
	size_t size;	  /* of its own struct, which begins with a struct sink and is all zero */
	/* Called when its stream is open. NULL: there is nothing to set. */
	void (*start)(struct sink *s, const struct sink_options *o);
	int (*begin)(struct sink *s, const struct span *span, struct why *w);
	int (*end)(struct sink *s, const struct span *span, struct why *w);
	int (*request)(struct sink *s, const struct request_span *r, struct why *w);
	int (*runtime)(struct sink *s, const struct runtime_event *r, struct why *w);
	int (*lost)(struct sink *s, const struct loss *l, struct why *w);
	int (*left_out)(struct sink *s, const struct left_out *l, struct why *w);
	int (*state)(struct sink *s, const struct state_change *c, struct why *w);
	/* Called in a lull: writes the text that is held back. Only for a sink with a stream. NULL:
	 * it holds none. */
	void (*settle_text)(struct sink *s);
	/* Adds to ret the lines and events of a text that is dropped. Only for a sink with a
	 * stream. */
	void (*count)(const struct buf *text, struct sink_dropped *ret);
	/* Frees what the functions above have made. NULL: nothing. */
	void (*release)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
	struct stream *stream; /* owned; NULL: it writes no text */
};

#endif
