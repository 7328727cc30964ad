/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "probes.h"
#include "status.h"
#include "backend.h"

#define PERIOD_NS (5 * NS_PER_MS)	/* between two looks at the channels */
#define IDLE_PERIOD_NS (40 * NS_PER_MS) /* the same when there is nothing to do */
#define FLUSH_NS (100 * NS_PER_MS)

static int write_record(struct engine *e, const struct ft_rec *rec)
{
	return pipeline_record(e->pipeline, rec, rec->size);
}

/* Names whose time has come: a name holds from there on, for addresses are used again. */
static int write_names(struct engine *e, uint64_t until_ns)
{
	int err = 0;

	while (err >= 0 && e->taken_at < e->taken.len) {
		const struct ft_rec *rec = (const void *)(e->taken.s + e->taken_at);

		if (rec->ts_ns > until_ns)
			break;
		err = write_record(e, rec);
		e->taken_at += rec->size;
	}
	return err;
}

/* With the lock held. */
static void take_names(struct engine *e)
{
	if (e->taken_at == e->taken.len) {
		buf_clear(&e->taken);
		e->taken_at = 0;
	}
	if (e->names.len)
		buf_add(&e->taken, e->names.s, e->names.len);
	buf_clear(&e->names);
}

static bool fire_name(void *arg, const struct map_slot *slot)
{
	const unsigned *type = arg;
	const struct ft_rec *rec = slot->value;

	if (rec->type == *type)
		probe_name(rec);
	return false;
}

/* Classes first: functions are described by them (up to 3.10). */
static void fire_names(struct map *announced)
{
	map_sweep(announced, fire_name, &(unsigned){FT_REC_TYPE});
	map_sweep(announced, fire_name, &(unsigned){FT_REC_CODE});
}

/* A tool that has just come hears all names before the first call. */
static void announce_to_listeners(struct engine *e)
{
	if (!probes_listened()) {
		probes_end();
		(void)probes_came();
		return;
	}
	if (!probes_came())
		return;
	pthread_mutex_lock(&e->lock);
	fire_names(&e->announced);
	probes_begin();
	pthread_mutex_unlock(&e->lock);
}

static int write_thread_exit(struct engine *e, const struct agent_thread *t)
{
	struct ft_rec rec = {sizeof(rec), FT_REC_THREAD_EXIT,	    0, t->pid,
			     t->tid,	  clock_ns(CLOCK_MONOTONIC)};

	return write_record(e, &rec);
}

/* Takes threads out of the list that are gone and drained. */
static int drop_gone(struct engine *e)
{
	struct agent_thread **at = &e->threads;
	int err = 0;

	while (*at && err >= 0) {
		struct agent_thread *t = *at;

		if (!atomic_load(&t->gone) || channel_head(&t->channel) != t->channel.tail) {
			at = &t->next;
			continue;
		}
		*at = t->next;
		err = write_thread_exit(e, t);
		sender_free(t);
	}
	return err;
}

#define MOST_THREADS 4096 /* looked at in one round */

/* What one thread has for this round. */
struct source {
	struct agent_thread *thread;
	uint64_t head;
	const struct ft_rec *next; /* NULL: no more */
};

/* The source whose next record is the oldest, and the time of the oldest of the others. */
static struct source *oldest(struct source *source, size_t n, uint64_t *ret_others)
{
	struct source *first = NULL;

	*ret_others = UINT64_MAX;
	for (struct source *s = source; s < source + n; s++) {
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
static void take(struct engine *e, struct source *s)
{
	struct agent_thread *t = s->thread;

	if (s->next->type == OVERSIZE_NOTE) {
		struct oversize *p = ((const struct oversize_note *)s->next)->record;

		atomic_fetch_sub(&t->oversize_bytes, p->rec.size);
		pthread_mutex_lock(&e->lock);
		oversize_free(p);
		pthread_mutex_unlock(&e->lock);
	}
	channel_take(&t->channel, s->next);
	s->next = channel_peek(&t->channel, s->head);
	atomic_store_explicit(&e->progress, e->progress + 1, memory_order_relaxed);
}

/* Writes records in the order of their times, up to a time. */
static int merge(struct engine *e, struct source *source, size_t n, uint64_t until_ns,
		 bool *ret_any)
{
	struct source *s;
	uint64_t others;
	int err = 0;

	for (size_t i = 0; i < n; i++)
		source[i].next = channel_peek(&source[i].thread->channel, source[i].head);
	while (err >= 0 && (s = oldest(source, n, &others)) && s->next->ts_ns <= until_ns) {
		*ret_any = true;
		while (err >= 0 && s->next && s->next->ts_ns <= others &&
		       s->next->ts_ns <= until_ns) {
			err = write_names(e, s->next->ts_ns);
			if (err >= 0)
				err = write_record(e, oversize_open(s->next));
			take(e, s);
		}
	}
	return err < 0 ? err : write_names(e, until_ns);
}

/*
 * One round: everything that was recorded up to a time; ret_any: there was something.
 *
 * The time is that before the heads are read: whoever saw another thread's record, as a generator
 * that goes on there did, has a later one, so that a record never comes before one that it needs.
 * The heads are read before the names: so every name that is used is there.
 */
int writer_drain(struct engine *e, uint64_t until_ns, bool *ret_any)
{
	static struct source source[MOST_THREADS];
	size_t n = 0;
	int err;

	pthread_mutex_lock(&e->lock);
	for (struct agent_thread *t = e->threads; t && n < MOST_THREADS; t = t->next)
		source[n++] = (struct source){t, channel_head(&t->channel), NULL};
	take_names(e);
	pthread_mutex_unlock(&e->lock);

	*ret_any = false;
	err = merge(e, source, n, until_ns, ret_any);
	pthread_mutex_lock(&e->lock);
	if (err >= 0)
		err = drop_gone(e);
	pthread_mutex_unlock(&e->lock);
	return err;
}

void writer_fail(struct engine *e, int err)
{
	pthread_mutex_lock(&e->lock);
	e->err = err;
	e->why = e->pipeline_why;
	if (!e->why.exit_status)
		why(&e->why, -EIO, "the trace could not be written");
	atomic_store(&e->failed, true);
	status_failed();
	pthread_cond_broadcast(&e->flushed);
	pthread_mutex_unlock(&e->lock);
}

/* What was asked of the writer by the time that it woke. */
struct asked {
	bool stop;
	uint64_t flush;
};

static struct asked wait_for_work(struct engine *e, uint64_t period_ns)
{
	struct timespec until;
	struct asked asked;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += period_ns;
	if (until.tv_nsec >= (long)NS_PER_SECOND) {
		until.tv_nsec -= NS_PER_SECOND;
		until.tv_sec++;
	}
	pthread_mutex_lock(&e->lock);
	if (!e->stop && e->flush_wanted == e->flush_done)
		pthread_cond_timedwait(&e->wake, &e->lock, &until);
	asked = (struct asked){e->stop, e->flush_wanted};
	pthread_mutex_unlock(&e->lock);
	return asked;
}

static void flush_is_done(struct engine *e, uint64_t number)
{
	pthread_mutex_lock(&e->lock);
	e->flush_done = number;
	pthread_cond_broadcast(&e->flushed);
	pthread_mutex_unlock(&e->lock);
}

/* Who waits for it need not any more. */
static void set_writing(struct engine *e, bool on)
{
	pthread_mutex_lock(&e->lock);
	e->writing = on;
	pthread_cond_broadcast(&e->flushed);
	pthread_mutex_unlock(&e->lock);
}

static void *writer_main(void *arg)
{
	struct engine *e = arg;
	uint64_t flushed = clock_ns(CLOCK_MONOTONIC), period = PERIOD_NS;
	struct asked asked = {};
	bool behind = false; /* the file, of what was drained */
	int err = 0;

	while (err >= 0 && !asked.stop) {
		bool any = false;
		uint64_t now;

		asked = wait_for_work(e, period);
		announce_to_listeners(e);
		backend_look();
		err = writer_drain(e, asked.stop ? UINT64_MAX : clock_ns(CLOCK_MONOTONIC), &any);
		period = any			       ? PERIOD_NS
			 : 2 * period < IDLE_PERIOD_NS ? 2 * period
						       : IDLE_PERIOD_NS;
		now = clock_ns(CLOCK_MONOTONIC);
		/* A pause may be the last: uvicorn ends by the signal that ended its serving. */
		behind |= any;
		if (err < 0 ||
		    (!(behind && !any) && now - flushed < FLUSH_NS && asked.flush == e->flush_done))
			continue;
		flushed = now;
		behind = false;
		err = pipeline_flush(e->pipeline);
		if (err >= 0)
			flush_is_done(e, asked.flush);
	}
	if (err < 0)
		writer_fail(e, err);
	set_writing(e, false);
	return NULL;
}

int writer_start(struct engine *e, struct why *w)
{
	sigset_t all, before;
	int err;

	/* Signals are the program's, and its threads'. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	set_writing(e, true);
	err = pthread_create(&e->writer, NULL, writer_main, e);
	if (err)
		set_writing(e, false);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? why(w, -err, "cannot start the writer thread: %s", strerror(err)) : 0;
}
