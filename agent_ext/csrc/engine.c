/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <errno.h>
#include <unistd.h>

#include "probes.h"
#include "stacks.h"
#include "status.h"

struct engine engine = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
	.flushed = PTHREAD_COND_INITIALIZER,
};

unsigned engine_run_number;

static pthread_once_t once = PTHREAD_ONCE_INIT;

bool engine_running(void)
{
	return atomic_load_explicit(&engine.running, memory_order_acquire);
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

bool engine_captures_stack(void)
{
	return engine.settings->config.stack;
}

/* ---- its parts -------------------------------------------------------------------------- */

static int start_pipeline(struct engine *e)
{
	int err;

	e->config = e->settings->config;
	e->config.joins = e->forked;
	err = pipeline_new(&e->config, NULL, &e->pipeline, &e->pipeline_why);
	if (err)
		return err;
	err = writer_start(e, &e->pipeline_why);
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
	senders_release(e);
	oversize_release_all(&e->oversize);
	names_forget(e);
	e->pid = getpid();
	e->pipeline = NULL; /* with the parent's unwritten lines: not ours to write or to free */
	e->writing = false;
	probes_restart();
	status_forked();
	if (!engine_running())
		return;
	engine_run_number++;
	e->forked = true;
	e->stop = false;
	e->flush_wanted = e->flush_done = 0;
	e->why = e->pipeline_why = (struct why){};
	atomic_store(&e->failed, false);
}

void engine_continue(struct engine *e)
{
	int err = start_pipeline(e);

	e->forked = false;
	if (err) {
		writer_fail(e, err);
		atomic_store(&e->running, false);
	}
}

static void init_once(void)
{
	senders_init();
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* ---- begin and end ---------------------------------------------------------------------- */

static void release_oversize(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	oversize_release_all(&e->oversize);
	pthread_mutex_unlock(&e->lock);
}

/* What threads left in their channels after the last run ended is not of this one. */
static void discard_channels(struct engine *e)
{
	for (struct agent_thread *t = e->threads; t; t = t->next) {
		atomic_store(&t->channel.tail, channel_head(&t->channel));
		atomic_store(&t->oversize_bytes, 0);
	}
	release_oversize(e);
}

static void set_limits(struct engine *e, const struct config *c)
{
	e->limits = (struct value_limits){c->max_arg_length, c->max_depth, c->max_items,
					  FT_MAX_TOKEN_BYTES};
	if (c->segments || c->max_arg_length > FT_MAX_TOKEN_BYTES)
		e->limits.max_bytes = FT_MAX_TOKEN_BYTES_INSIDE;
	e->long_values = c->stack || e->limits.max_bytes > FT_MAX_TOKEN_BYTES;
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
	engine_run_number++;
	discard_channels(e);
	greenlets_begin();
	probes_restart();
	err = start_pipeline(e);
	if (err) {
		*w = e->pipeline_why;
		return err;
	}
	atomic_store(&e->running, true);
	return 0;
}

/* What a thread lost and had no room to record. */
static int last_losses(struct engine *e)
{
	bool any;

	for (struct agent_thread *t = e->threads; t; t = t->next)
		if (t->run == engine_run_id() && t->has_losses)
			sender_record_losses(t);
	return writer_drain(e, UINT64_MAX, &any);
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
	Py_BEGIN_ALLOW_THREADS
	pthread_join(e->writer, NULL);
	Py_END_ALLOW_THREADS
}

int engine_stop(struct engine_totals *ret_totals, struct why *w)
{
	struct engine *e = &engine;
	int err = 0;

	*ret_totals = (struct engine_totals){};
	if (!engine_running())
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
			writer_fail(e, err);
	}
	release_oversize(e);
	total(e->pipeline, ret_totals);
	pipeline_free(e->pipeline);
	e->pipeline = NULL;
	names_forget(e);
	if (e->why.exit_status)
		*w = e->why;
	return e->why.exit_status ? e->err : 0;
}

/* Has the writer done what was asked for by that number, or will it never? With the lock held. */
static bool is_flushed(const struct engine *e, uint64_t number)
{
	return e->flush_done >= number || !e->writing || atomic_load(&e->failed);
}

/* A second from now, as conditions are waited for. */
static struct timespec in_a_second(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	return until;
}

/*
 * With the lock held. patient: also for one that has done nothing for a second; others do not wait
 * for it again, until it does.
 */
static void wait_for_writer(struct engine *e, bool patient)
{
	static uint64_t stuck_at = UINT64_MAX;
	uint64_t number = ++e->flush_wanted, progress = atomic_load(&e->progress);

	pthread_cond_signal(&e->wake);
	while (!is_flushed(e, number) && (patient || progress != stuck_at)) {
		struct timespec until = in_a_second();

		if (pthread_cond_timedwait(&e->flushed, &e->lock, &until) != ETIMEDOUT)
			continue;
		if (!patient && atomic_load(&e->progress) == progress)
			stuck_at = progress;
		progress = atomic_load(&e->progress);
	}
}

static void flush(struct engine *e, bool patient)
{
	Py_BEGIN_ALLOW_THREADS
	pthread_mutex_lock(&e->lock);
	if (e->writing)
		wait_for_writer(e, patient);
	pthread_mutex_unlock(&e->lock);
	Py_END_ALLOW_THREADS
}

int engine_flush(struct why *w)
{
	struct engine *e = &engine;

	if (!engine_running())
		return 0;
	flush(e, true);
	if (!atomic_load(&e->failed))
		return 0;
	*w = e->why;
	return e->err;
}

void engine_catch_up(void)
{
	if (engine_running())
		flush(&engine, false);
}
