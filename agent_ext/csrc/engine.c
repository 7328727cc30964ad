/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "ft_counters.h"
#include "parcel.h"
#include "pipeline.h"
#include "probes.h"
#include "status.h"

#define PERIOD_NS (5 * NS_PER_MS)	/* between two looks at the channels */
#define IDLE_PERIOD_NS (40 * NS_PER_MS) /* the same when there is nothing to do */
#define FLUSH_NS (100 * NS_PER_MS)
#define WAIT_LIMIT_NS NS_PER_SECOND /* for room, while the writer takes nothing out */
#define WAIT_NS (NS_PER_MS / 2)
#define OUTSIDE_BYTES (8u << 20) /* the most that a thread has under way in parcels */

static struct engine {
	pthread_mutex_t lock; /* threads, parcels, names, told, stop, flush_*, why */
	pthread_cond_t wake, flushed;
	struct agent_thread *threads;
	struct parcel *parcels;
	struct buf names;  /* not taken by the writer yet */
	uint64_t names_ns; /* of the last of them */
	struct map told;   /* the last of each, for tools that come to the probes later; owned */
	bool stop;
	uint64_t flush_wanted, flush_done; /* numbers of flushes */
	int err;			   /* of the writer's first failure */
	struct why why;			   /* what it was */

	_Atomic bool running;
	_Atomic bool failed;
	_Atomic uint64_t progress; /* of the writer: records that it took out, of all runs */
	bool forked;		   /* this process has no writer yet: its parent had */
	unsigned run;
	pid_t pid;
	const struct settings *settings; /* borrowed */
	struct value_limits limits;
	bool long_values; /* a record may be too large for a channel */
	struct pipeline *pipeline;
	struct why pipeline_why;
	pthread_t writer;
	struct buf taken; /* names: the writer's, in the order of their times */
	size_t taken_at;  /* bytes of them that are written */
} engine = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
	.flushed = PTHREAD_COND_INITIALIZER,
};

static __thread struct agent_thread *mine;
static pthread_key_t at_exit;
static pthread_once_t once = PTHREAD_ONCE_INIT;

bool engine_runs(void)
{
	return atomic_load_explicit(&engine.running, memory_order_acquire);
}

unsigned engine_run(void)
{
	return engine.run;
}

uint32_t engine_pid(void)
{
	return engine.pid;
}

const struct value_limits *engine_limits(void)
{
	return &engine.limits;
}

bool engine_captures_args(void)
{
	return engine.settings->config.args;
}

bool engine_captures_result(void)
{
	return engine.settings->config.result;
}

/* ---- the writer ---------------------------------------------------------------------------- */

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
static void fire_names(struct map *told)
{
	map_sweep(told, fire_name, &(unsigned){FT_REC_TYPE});
	map_sweep(told, fire_name, &(unsigned){FT_REC_CODE});
}

/* A tool that has just come hears all names before the first call. */
static void greet_listeners(struct engine *e)
{
	if (!probes_listened()) {
		probes_end();
		(void)probes_came();
		return;
	}
	if (!probes_came())
		return;
	pthread_mutex_lock(&e->lock);
	fire_names(&e->told);
	probes_begin();
	pthread_mutex_unlock(&e->lock);
}

static void thread_free(struct agent_thread *t)
{
	channel_release(&t->channel);
	free(t->scratch);
	free(t->stack);
	free(t->name);
	free(t);
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
		thread_free(t);
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

	if (s->next->type == PARCEL_NOTE) {
		struct parcel *p = ((const struct parcel_note *)s->next)->parcel;

		atomic_fetch_sub(&t->outside, p->rec.size);
		pthread_mutex_lock(&e->lock);
		parcel_free(p);
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
				err = write_record(e, parcel_open(s->next));
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
static int drain(struct engine *e, uint64_t until_ns, bool *ret_any)
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

static void fail(struct engine *e, int err)
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

static void *writer_main(void *arg)
{
	struct engine *e = arg;
	uint64_t flushed = clock_ns(CLOCK_MONOTONIC), period = PERIOD_NS;
	struct asked asked = {};
	int err = 0;

	while (err >= 0 && !asked.stop) {
		bool any = false;
		uint64_t now;

		asked = wait_for_work(e, period);
		greet_listeners(e);
		err = drain(e, asked.stop ? UINT64_MAX : clock_ns(CLOCK_MONOTONIC), &any);
		period = any			       ? PERIOD_NS
			 : 2 * period < IDLE_PERIOD_NS ? 2 * period
						       : IDLE_PERIOD_NS;
		now = clock_ns(CLOCK_MONOTONIC);
		if (err < 0 || (now - flushed < FLUSH_NS && asked.flush == e->flush_done))
			continue;
		flushed = now;
		err = pipeline_flush(e->pipeline);
		if (err >= 0)
			flush_is_done(e, asked.flush);
	}
	if (err < 0)
		fail(e, err);
	return NULL;
}

static int start_writer(struct engine *e, struct why *w)
{
	sigset_t all, before;
	int err;

	/* Signals are the program's, and its threads'. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&e->writer, NULL, writer_main, e);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err ? why(w, -err, "cannot start the writer thread: %s", strerror(err)) : 0;
}

static int start_pipeline(struct engine *e)
{
	int err = pipeline_new(&e->settings->config, NULL, &e->pipeline, &e->pipeline_why);

	if (err)
		return err;
	err = start_writer(e, &e->pipeline_why);
	if (err) {
		pipeline_free(e->pipeline);
		e->pipeline = NULL;
	}
	return err;
}

/* ---- fork ----------------------------------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&engine.lock);
}

static void after_fork_in_parent(void)
{
	pthread_mutex_unlock(&engine.lock);
}

static bool free_name(void *arg, const struct map_slot *slot)
{
	free(slot->value);
	return true;
}

static void forget_names(struct engine *e)
{
	buf_clear(&e->names);
	buf_clear(&e->taken);
	e->taken_at = 0;
	map_sweep(&e->told, free_name, NULL);
}

static void threads_release(struct engine *e)
{
	while (e->threads) {
		struct agent_thread *t = e->threads;

		e->threads = t->next;
		thread_free(t);
	}
}

/*
 * The child has this thread alone, and no writer. What the parent has not written yet is the
 * parent's to write; the child begins a run of its own at its first call, appended to the same
 * file. Most children become another program before that.
 */
static void after_fork_in_child(void)
{
	struct engine *e = &engine;

	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	pthread_cond_init(&e->flushed, NULL);
	threads_release(e);
	parcels_release(&e->parcels);
	forget_names(e);
	mine = NULL;
	pthread_setspecific(at_exit, NULL);
	e->pid = getpid();
	e->pipeline = NULL; /* with the parent's unwritten lines: not ours to write or to free */
	probes_restart();
	status_forked();
	if (!engine_runs())
		return;
	e->run++;
	e->forked = true;
	e->stop = false;
	e->flush_wanted = e->flush_done = 0;
	e->why = e->pipeline_why = (struct why){};
	atomic_store(&e->failed, false);
}

/* With the GIL held, so once. */
static void continue_in_child(struct engine *e)
{
	int err = start_pipeline(e);

	e->forked = false;
	if (err) {
		fail(e, err);
		atomic_store(&e->running, false);
	}
}

/* ---- threads ----------------------------------------------------------------------------------
 */

static void on_thread_exit(void *arg)
{
	struct agent_thread *t = arg;

	mine = NULL;
	atomic_store(&t->gone, true);
}

static void init_once(void)
{
	pthread_key_create(&at_exit, on_thread_exit);
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static struct agent_thread *thread_new(void)
{
	struct agent_thread *t;

	if (engine.forked)
		continue_in_child(&engine);
	t = engine_runs() ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	if (channel_init(&t->channel)) {
		free(t);
		return NULL;
	}
	t->pid = engine.pid;
	t->tid = syscall(SYS_gettid);
	pthread_mutex_lock(&engine.lock);
	t->next = engine.threads;
	engine.threads = t;
	pthread_mutex_unlock(&engine.lock);
	pthread_setspecific(at_exit, t);
	mine = t;
	return t;
}

struct agent_thread *engine_thread(void)
{
	struct agent_thread *t;

	if (!engine_runs())
		return NULL;
	t = mine ?: thread_new();
	if (t && t->run != engine.run) { /* what is open or lost there is of another run */
		t->run = engine.run;
		t->depth = 0;
		t->named = t->has_losses = false;
		memset(t->losses, 0, sizeof(t->losses));
	}
	return t;
}

uint64_t engine_now(struct agent_thread *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now <= t->last_ns)
		now = t->last_ns + 1;
	t->last_ns = now;
	return now;
}

void engine_lost(struct agent_thread *t, uint64_t now, unsigned n, enum loss why)
{
	struct losses *l = &t->losses[why];

	if (!l->count)
		l->first_ns = now;
	l->last_ns = now;
	l->count += n;
	t->has_losses = true;
}

static void wake_writer(void)
{
	pthread_cond_signal(&engine.wake);
}

/* Room for what may be long: built here, it goes into the channel or into a parcel. */
static void *reserve_long(struct agent_thread *t)
{
	if (atomic_load(&t->outside) + FT_MAX_RECORD_INSIDE > OUTSIDE_BYTES ||
	    !channel_reserve(&t->channel))
		return NULL;
	if (!t->scratch)
		t->scratch = malloc(FT_MAX_RECORD_INSIDE);
	return t->scratch;
}

static void *reserve(struct agent_thread *t)
{
	return engine.long_values ? reserve_long(t) : channel_reserve(&t->channel);
}

/*
 * Gives the writer time, and other threads the GIL. A writer that takes nothing out for a second
 * is not waited for any more, in the whole run.
 */
static void *wait_for_room(struct agent_thread *t)
{
	static unsigned hopeless; /* the run in which it was waited for in vain */
	const struct timespec pause = {0, WAIT_NS};
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + WAIT_LIMIT_NS;
	uint64_t taken = atomic_load(&engine.progress);
	void *room = NULL;

	while (!room && hopeless != engine.run && engine_runs() && !atomic_load(&engine.failed)) {
		wake_writer();
		Py_BEGIN_ALLOW_THREADS nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS if (t->run != engine.run) /* another began meanwhile */
			return NULL;
		room = reserve(t);
		if (atomic_load(&engine.progress) != taken) {
			taken = atomic_load(&engine.progress);
			until = clock_ns(CLOCK_MONOTONIC) + WAIT_LIMIT_NS;
		}
		if (!room && clock_ns(CLOCK_MONOTONIC) > until)
			hopeless = engine.run;
	}
	return room;
}

static bool tell_loss(struct agent_thread *t, enum loss why)
{
	static const uint32_t reasons[LOSS_COUNT] = {
		[LOSS_FULL] = FT_LOST_ring_full,
		[LOSS_REENTERED] = FT_LOST_reentered,
		[LOSS_STACK_LOW] = FT_LOST_stack_low,
		[LOSS_NO_MEMORY] = FT_LOST_no_memory,
	};
	struct losses *l = &t->losses[why];
	struct ft_rec_lost *r = channel_reserve(&t->channel);

	if (!r)
		return false;
	*r = (struct ft_rec_lost){
		.hdr = {sizeof(*r), FT_REC_LOST, 0, t->pid, t->tid, l->last_ns},
		.first_ns = l->first_ns,
		.last_ns = l->last_ns,
		.count = l->count,
		.reason = reasons[why],
	};
	*l = (struct losses){};
	if (probes_heard())
		probe_name(&r->hdr);
	channel_commit(&t->channel, &r->hdr);
	return true;
}

/* LOST before the record that fits again. */
static void tell_losses(struct agent_thread *t)
{
	bool told = true;

	for (int i = 0; i < LOSS_COUNT; i++)
		if (t->losses[i].count)
			told &= tell_loss(t, i);
	t->has_losses = !told;
}

void *engine_reserve(struct agent_thread *t)
{
	void *room;

	if (t->has_losses)
		tell_losses(t);
	room = reserve(t);
	if (!room && engine.settings->overflow == OVERFLOW_BLOCK)
		room = wait_for_room(t);
	return room;
}

/* What was reserved is there still: nobody else puts anything in. */
static bool commit_parcel(struct agent_thread *t, const struct ft_rec *rec)
{
	struct parcel_note *note = channel_reserve(&t->channel);
	struct parcel *p = note ? parcel_new(rec) : NULL;
	size_t outside;

	if (!p)
		return false;
	*note = (struct parcel_note){
		.hdr = {sizeof(*note), PARCEL_NOTE, 0, rec->pid, rec->tid, rec->ts_ns},
		.parcel = p,
	};
	pthread_mutex_lock(&engine.lock);
	parcel_add(&engine.parcels, p);
	pthread_mutex_unlock(&engine.lock);
	outside = atomic_fetch_add(&t->outside, rec->size) + rec->size;
	channel_commit(&t->channel, &note->hdr);
	if (outside > OUTSIDE_BYTES / 2)
		wake_writer();
	return true;
}

static void commit(struct agent_thread *t, const struct ft_rec *rec)
{
	bool before = channel_half_full(&t->channel);

	channel_commit(&t->channel, rec);
	if (!before && channel_half_full(&t->channel))
		wake_writer();
}

static bool commit_long(struct agent_thread *t, const struct ft_rec *rec)
{
	void *room;

	if (rec->size > FT_MAX_RECORD)
		return commit_parcel(t, rec);
	room = channel_reserve(&t->channel);
	if (!room)
		return false;
	commit(t, memcpy(room, rec, rec->size));
	return true;
}

bool engine_commit(struct agent_thread *t, struct ft_rec *rec)
{
	if ((void *)rec == t->scratch)
		return commit_long(t, rec);
	commit(t, rec);
	return true;
}

/* Keeps it for tools that come later; in the place of what was at the same address. */
static void keep_told(struct engine *e, const struct ft_rec *rec, uint64_t address)
{
	struct ft_rec *copy = malloc(rec->size);
	void *old = NULL;

	if (!copy)
		return;
	memcpy(copy, rec, rec->size);
	if (map_put(&e->told, address, rec->type, copy, &old))
		free(copy);
	free(old);
}

void engine_name(struct ft_rec *rec, uint64_t address)
{
	struct engine *e = &engine;

	pthread_mutex_lock(&e->lock);
	/* Not before what is recorded already, and not after the record that it is for. */
	if (mine && mine->last_ns > e->names_ns)
		e->names_ns = mine->last_ns;
	rec->ts_ns = e->names_ns;
	buf_add(&e->names, (const char *)rec, rec->size);
	keep_told(e, rec, address);
	if (probes_heard())
		probe_name(rec);
	pthread_mutex_unlock(&e->lock);
}

/* ---- begin and end -----------------------------------------------------------------------------
 */

static void release_parcels(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	parcels_release(&e->parcels);
	pthread_mutex_unlock(&e->lock);
}

/* What threads left in their channels after the last run ended is not of this one. */
static void discard_channels(struct engine *e)
{
	for (struct agent_thread *t = e->threads; t; t = t->next) {
		atomic_store(&t->channel.tail, channel_head(&t->channel));
		atomic_store(&t->outside, 0);
	}
	release_parcels(e);
}

static void set_limits(struct engine *e, const struct config *c)
{
	e->limits = (struct value_limits){c->max_arg_length, c->max_depth, c->max_items,
					  FT_MAX_TOKEN_BYTES};
	e->long_values = c->segments || c->max_arg_length > FT_MAX_TOKEN_BYTES;
	if (e->long_values)
		e->limits.max_bytes = FT_MAX_TOKEN_BYTES_INSIDE;
	if (c->segments)
		e->limits.max_arg_length = FT_MAX_TOKEN_BYTES_INSIDE;
}

int engine_start(const struct settings *settings, struct why *w)
{
	struct engine *e = &engine;
	int err;

	pthread_once(&once, init_once);
	e->pid = getpid();
	e->settings = settings;
	set_limits(e, &settings->config);
	e->stop = e->forked = false;
	e->flush_wanted = e->flush_done = 0;
	e->why = e->pipeline_why = (struct why){};
	atomic_store(&e->failed, false);
	e->run++;
	discard_channels(e);
	probes_restart();
	err = start_pipeline(e);
	if (err) {
		*w = e->pipeline_why;
		return err;
	}
	atomic_store(&e->running, true);
	return 0;
}

/* What a thread lost and had no room to tell. */
static int last_losses(struct engine *e)
{
	bool any;

	for (struct agent_thread *t = e->threads; t; t = t->next)
		if (t->run == e->run && t->has_losses)
			tell_losses(t);
	return drain(e, UINT64_MAX, &any);
}

static void total(const struct pipeline *p, struct engine_totals *ret)
{
	struct run_status s;

	pipeline_status(p, &s);
	*ret = (struct engine_totals){s.events, s.lost, s.functions, s.unfinished};
}

static void end_writer(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	e->stop = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	Py_BEGIN_ALLOW_THREADS pthread_join(e->writer, NULL);
	Py_END_ALLOW_THREADS
}

int engine_stop(struct engine_totals *ret_totals, struct why *w)
{
	struct engine *e = &engine;
	int err = 0;

	*ret_totals = (struct engine_totals){};
	if (!engine_runs())
		return 0;
	atomic_store(&e->running, false);
	if (!e->pipeline) /* a child that called nothing, or could not go on */
		return 0;
	end_writer(e);
	if (!atomic_load(&e->failed)) {
		err = last_losses(e);
		if (err >= 0)
			err = pipeline_finish(e->pipeline);
		if (err < 0)
			fail(e, err);
	}
	release_parcels(e);
	total(e->pipeline, ret_totals);
	pipeline_free(e->pipeline);
	e->pipeline = NULL;
	forget_names(e);
	if (e->why.exit_status)
		*w = e->why;
	return e->why.exit_status ? e->err : 0;
}

int engine_flush(struct why *w)
{
	struct engine *e = &engine;
	uint64_t number;
	int err = 0;

	if (!engine_runs() || !e->pipeline)
		return 0;
	Py_BEGIN_ALLOW_THREADS pthread_mutex_lock(&e->lock);
	number = ++e->flush_wanted;
	pthread_cond_signal(&e->wake);
	while (e->flush_done < number && !atomic_load(&e->failed))
		pthread_cond_wait(&e->flushed, &e->lock);
	if (atomic_load(&e->failed)) {
		*w = e->why;
		err = e->err;
	}
	pthread_mutex_unlock(&e->lock);
	Py_END_ALLOW_THREADS return err;
}
