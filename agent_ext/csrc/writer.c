/* SPDX-License-Identifier: MIT */
#include "writer.h"

#include "python.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "announced.h"
#include "base/buf.h"
#include "base/clock.h"
#include "control.h"
#include "oversize.h"
#include "pipeline.h"
#include "sender.h"
#include "status.h"

#define PERIOD_NS (5 * NS_PER_MS)	/* between two looks at the channels */
#define IDLE_PERIOD_NS (40 * NS_PER_MS) /* the same when there is nothing to do */
#define FLUSH_NS (100 * NS_PER_MS)
#define THREADS_MAX 4096 /* looked at in one round */

static struct {
	struct config config;	   /* a copy: for the pipeline */
	struct pipeline *pipeline; /* NULL: there is no writer */
	struct why why;		   /* of the pipeline */
	pthread_t thread;
	void (*look)(void);
	struct buf names;  /* in the order of their times */
	size_t names_done; /* bytes of them that are written */
} writer;

/* ---- records ---------------------------------------------------------------------------- */

static int write_record(const struct ft_rec *rec)
{
	return pipeline_record(writer.pipeline, rec, rec->size);
}

/* Names whose time has come: a name holds from there on, for addresses are used again. */
static int write_names(uint64_t until_ns)
{
	int err = 0;

	while (err >= 0 && writer.names_done < writer.names.len) {
		const struct ft_rec *rec = (const void *)(writer.names.s + writer.names_done);

		if (rec->ts_ns > until_ns)
			break;
		err = write_record(rec);
		writer.names_done += rec->size;
	}
	return err;
}

static void take_names(void)
{
	if (writer.names_done == writer.names.len) {
		buf_clear(&writer.names);
		writer.names_done = 0;
	}
	announced_take(&writer.names);
}

static void forget_names(void)
{
	announced_forget();
	buf_clear(&writer.names);
	writer.names_done = 0;
}

static int write_thread_exit(const struct agent_thread *t)
{
	struct ft_rec rec = {sizeof(rec), FT_REC_THREAD_EXIT,	    0, t->pid,
			     t->tid,	  clock_ns(CLOCK_MONOTONIC)};

	return write_record(&rec);
}

static int free_gone_threads(void)
{
	struct agent_thread *t;
	int err = 0;

	while (err >= 0 && (t = senders_take_gone())) {
		err = write_thread_exit(t);
		sender_free(t);
	}
	return err;
}

/* The source whose next record is the oldest, and the time of the oldest of the others. */
static struct sender_source *oldest(struct sender_source *source, size_t n, uint64_t *ret_others)
{
	struct sender_source *first = NULL;

	*ret_others = UINT64_MAX;
	for (struct sender_source *s = source; s < source + n; s++) {
		if (!s->next)
			continue;
		if (!first || s->next->ts_ns < first->next->ts_ns) {
			if (first)
				*ret_others = first->next->ts_ns;
			first = s;
		} else if (s->next->ts_ns < *ret_others) {
			*ret_others = s->next->ts_ns;
		}
	}
	return first;
}

/* Done with the next record of a source. */
static void take(struct sender_source *s)
{
	if (s->next->type == OVERSIZE_NOTE)
		sender_free_oversize(s->thread, s->next);
	channel_take(&s->thread->channel, s->next);
	s->next = channel_peek(&s->thread->channel, s->head);
	control_advance();
}

/* Writes records in the order of their times, up to a time. */
static int merge(struct sender_source *source, size_t n, uint64_t until_ns, bool *ret_any)
{
	struct sender_source *s;
	uint64_t others;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		source[i].next = channel_peek(&source[i].thread->channel, source[i].head);
	while (err >= 0 && (s = oldest(source, n, &others)) && s->next->ts_ns <= until_ns) {
		*ret_any = true;
		while (err >= 0 && s->next && s->next->ts_ns <= others &&
		       s->next->ts_ns <= until_ns) {
			err = write_names(s->next->ts_ns);
			if (err >= 0)
				err = write_record(oversize_open(s->next));
			take(s);
		}
	}
	return err < 0 ? err : write_names(until_ns);
}

/*
 * One round: everything that was recorded up to a time; ret_any: there was something. Only one at a
 * time.
 *
 * The time is that before the heads are read: a thread that saw another's record, as a generator
 * that resumes there did, has a later one, so that a record never comes before one that it needs.
 * The heads are read before the names: so every name that is used is there.
 */
static int drain(uint64_t until_ns, bool *ret_any)
{
	static struct sender_source source[THREADS_MAX];
	size_t n = senders_list(source, THREADS_MAX);
	int err;

	take_names();
	*ret_any = false;
	err = merge(source, n, until_ns, ret_any);
	return err < 0 ? err : free_gone_threads();
}

/* ---- the thread ------------------------------------------------------------------------- */

void writer_fail(int err, const struct why *w)
{
	control_fail(err, w);
	status_failed();
}

static void *writer_main(void *unused)
{
	uint64_t flushed = clock_ns(CLOCK_MONOTONIC), period = PERIOD_NS;
	struct asked asked = {};
	bool unflushed = false; /* the file has not all that was drained */
	int err = 0;

	while (err >= 0 && !asked.stop) {
		bool any = false;
		uint64_t now;

		asked = control_wait(period);
		announced_to_listeners();
		writer.look();
		err = drain(asked.stop ? UINT64_MAX : clock_ns(CLOCK_MONOTONIC), &any);
		period = any			       ? PERIOD_NS
			 : 2 * period < IDLE_PERIOD_NS ? 2 * period
						       : IDLE_PERIOD_NS;
		now = clock_ns(CLOCK_MONOTONIC);
		/* A pause may be the last: uvicorn ends by the signal that ended its serving. */
		unflushed |= any;
		if (err < 0 || (!(unflushed && !any) && now - flushed < FLUSH_NS &&
				control_is_flushed(asked.flush)))
			continue;
		flushed = now;
		unflushed = false;
		err = pipeline_flush(writer.pipeline);
		if (err >= 0)
			control_set_flushed(asked.flush);
	}
	if (err < 0)
		writer_fail(err, &writer.why);
	control_set_writing(false);
	return NULL;
}

/* 0, or -errno with w set. */
static int start_thread(struct why *w)
{
	sigset_t all, before;
	int err;

	/* Signals are the program's, and its threads'. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	control_set_writing(true);
	err = pthread_create(&writer.thread, NULL, writer_main, NULL);
	if (err)
		control_set_writing(false);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? why(w, -err, "cannot start the writer thread: %s", strerror(err)) : 0;
}

int writer_start(const struct config *config, bool joins, void (*look)(void), struct why *w)
{
	int err;

	writer.config = *config;
	writer.config.joins = joins;
	writer.look = look;
	writer.why = (struct why){};
	err = pipeline_new(&writer.config, NULL, &writer.pipeline, &writer.why);
	if (!err)
		err = start_thread(&writer.why);
	if (!err)
		return 0;
	pipeline_free(writer.pipeline);
	writer.pipeline = NULL;
	*w = writer.why;
	return err;
}

/* ---- its end ---------------------------------------------------------------------------- */

static void join_thread(void)
{
	control_stop();
	Py_BEGIN_ALLOW_THREADS
	pthread_join(writer.thread, NULL);
	Py_END_ALLOW_THREADS
}

static int write_last(void)
{
	bool any;
	int err;

	senders_record_losses();
	err = drain(UINT64_MAX, &any);
	return err < 0 ? err : pipeline_finish(writer.pipeline);
}

static void total(struct engine_totals *ret)
{
	struct run_status s;

	pipeline_status(writer.pipeline, &s);
	*ret = (struct engine_totals){s.events, s.lost, s.functions, s.unfinished};
}

int writer_stop(struct engine_totals *ret_totals, struct why *w)
{
	int err;

	if (!writer.pipeline)
		return 0;
	join_thread();
	err = control_has_failed() ? 0 : write_last();
	if (err < 0)
		writer_fail(err, &writer.why);
	senders_free_oversize();
	total(ret_totals);
	pipeline_free(writer.pipeline);
	writer.pipeline = NULL;
	forget_names();
	return control_failure(w);
}

void writer_forked(void)
{
	writer.pipeline = NULL; /* with the parent's unwritten lines: not ours to write or free */
	forget_names();
}
