/* SPDX-License-Identifier: MIT */
/*
 * Where spans go. A sink is one file here that ends in its struct sink_ops, and one row of the
 * table in sinks.c. Sinks buffer; flush is asked for at least every 100 ms.
 *
 *     begin, end, request, lost --> sink --> text in its stream --> queue --> thread --> file
 *
 * Nothing may wait for where a sink writes to: what writes text has a stream (stream.h), with a
 * queue and a thread. sinks.c makes, opens and frees both the sink and its stream.
 */
#ifndef FT_SINK_H
#define FT_SINK_H

#include "base/buf.h"
#include "base/why.h"
#include "model/span.h"

struct segments;
struct sink;
struct stream;

struct sink_options {
	long uid, gid;		   /* owner of what is made; -1 = ours */
	bool joins;		   /* another process writes to the output already */
	struct segments *segments; /* borrowed; where the whole of cut lines goes; NULL = nowhere */
};

/* What is not written any more. */
struct sink_dropped {
	uint64_t lines;
	uint64_t events; /* lost by that: lines, but for LOST lines, which were counted before */
	uint64_t told;	 /* the counts of those */
};

struct sink_ops {
	const char *kind; /* as in --to KIND:DEST */
	const char *dest; /* where it writes when it is not told; NULL: it takes none */
	bool keep_args;	  /* end() needs the arguments too */
	size_t size;	  /* of its own struct, which begins with a struct sink and is all zero */
	/* Its stream is open. NULL: there is nothing to set. */
	void (*start)(struct sink *s, const struct sink_options *o);
	int (*begin)(struct sink *s, const struct span *span, struct why *w);
	int (*end)(struct sink *s, const struct span *span, struct why *w);
	int (*request)(struct sink *s, const struct request_span *r, struct why *w);
	int (*lost)(struct sink *s, const struct loss *l, struct why *w);
	/* A lull: what is held back is shown. Only for a sink with a stream. NULL: nothing is. */
	void (*settle_text)(struct sink *s);
	/* What lines of its text stand for, which are not written; adds to ret. With a stream. */
	void (*count)(const struct buf *text, struct sink_dropped *ret);
	/* What start() and the rest have made. NULL: nothing. */
	void (*release)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
	struct stream *stream; /* owned; NULL: it writes no text */
};

#endif
