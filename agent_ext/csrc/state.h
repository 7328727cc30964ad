/* SPDX-License-Identifier: MIT */
/*
 * What the files behind engine.h share: the one engine of the process.
 *
 *     engine.c    a run: begin, end, flush, fork
 *     sender.c    one thread's side: its channel, its losses, names
 *     writer.c    the other side: from the channels to the pipeline
 */
#ifndef FT_AGENT_STATE_H
#define FT_AGENT_STATE_H

#include "engine.h"

#include <pthread.h>

#include "base/buf.h"
#include "base/map.h"
#include "oversize.h"
#include "pipeline.h"

struct engine {
	pthread_mutex_t
		lock; /* threads, oversize records, names, announced, writing, stop, flush_*, why */
	pthread_cond_t wake, flushed;
	struct agent_thread *threads;
	struct oversize *oversize;
	struct buf names;     /* not taken by the writer yet */
	uint64_t names_ns;    /* of the last of them */
	struct map announced; /* the last of each, for tools that come to the probes later; owned */
	bool writing;	      /* the writer is there */
	bool stop;
	uint64_t flush_wanted, flush_done; /* numbers of flushes */
	int err;			   /* of the writer's first failure */
	struct why why;			   /* what it was */

	_Atomic bool running;
	_Atomic bool failed;
	_Atomic uint64_t progress; /* of the writer: records that it took out, of all runs */
	bool forked;		   /* this process has no writer yet: its parent had */
	pid_t pid;
	const struct settings *settings; /* borrowed */
	struct config config;		 /* a copy of theirs: for the pipeline */
	struct value_limits limits;
	bool long_values; /* a record may be too large for a channel */
	struct pipeline *pipeline;
	struct why pipeline_why;
	pthread_t writer;
	struct buf taken; /* names: the writer's, in the order of their times */
	size_t taken_at;  /* bytes of them that are written */
};

extern struct engine engine;

/* sender.c */

/* Once in the process. */
void senders_init(void);
/* All of them, with what they have: nobody else may run. This thread begins anew. */
void senders_release(struct engine *e);
void sender_free(struct agent_thread *t);
/* LOST for what is not recorded yet, where there is room. */
void sender_record_losses(struct agent_thread *t);
void names_forget(struct engine *e);

/* writer.c */

/* The thread. 0, or -errno with w set. */
int writer_start(struct engine *e, struct why *w);
/*
 * One round: everything that was recorded up to a time; ret_any: there was something. Only where
 * the thread is not.
 */
int writer_drain(struct engine *e, uint64_t until_ns, bool *ret_any);
/* Nothing can be written any more; pipeline_why says why. */
void writer_fail(struct engine *e, int err);

/* engine.c */

/* With the GIL held, in a child that was forked: its own writer. */
void engine_continue(struct engine *e);

#endif
