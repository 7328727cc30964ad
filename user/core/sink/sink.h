/* SPDX-License-Identifier: MIT */
/*
 * Where lines go. A sink is one file here that ends in its struct sink_ops, and one line
 * in the table below it. Sinks buffer; flush is asked for at least every 100 ms.
 */
#ifndef FT_SINK_H
#define FT_SINK_H

#include "base/why.h"
#include "model/event.h"

struct sink;

/* What is not written any more. */
struct sink_dropped {
	uint64_t lines;
	uint64_t events; /* lost by that: lines, but for LOST lines, which were counted before */
};

struct sink_ops {
	const char *name;
	int (*line)(struct sink *s, const struct line *l, struct why *w);
	int (*flush)(struct sink *s, struct why *w);
	int (*reopen)(struct sink *s, struct why *w); /* SIGHUP; keeps the old file on failure */
	/*
	 * From now on nothing waits for the output: lines go through a queue. Whoever writes them
	 * asks first whether there is room; for a line that ends a call longer than for one that
	 * begins it, so that calls are lost as a whole.
	 */
	int (*queue)(struct sink *s, struct why *w);
	bool (*room)(struct sink *s, bool begins);
	/* Waits so long at the most: 0 = all is written, -EAGAIN = not yet, else what failed. */
	int (*settle)(struct sink *s, unsigned ms, struct why *w);
	uint64_t (*stalled_ns)(struct sink *s); /* for so long nobody took what waits */
	/* What waits is not written; lost, a LOST line, tells how much, if it can be written. Only
	 * free may follow. */
	void (*give_up)(struct sink *s, const struct line *lost, struct sink_dropped *ret_dropped);
	void (*free)(struct sink *s);
};

struct sink {
	const struct sink_ops *ops;
};

/*
 * JSON lines to path ("-" = standard output), appended, created 0600 and owned by
 * uid/gid when uid != -1 (the user behind sudo). also_stdout copies them to standard
 * output. A failed write is reported with what the system said; nothing after it is lost
 * silently: the caller stops.
 */
int sink_jsonl_new(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		   struct why *w);
/* The same beside another process that writes there already, and is perhaps within a line. */
int sink_jsonl_join(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		    struct why *w);
/* The folder of what is cut from its lines (segment.h); 0, or -ENOMEM. */
int sink_jsonl_segments(struct sink *sink, const char *folder);

#endif
