/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include <pthread.h>

#include "announced.h"
#include "control.h"
#include "probes.h"
#include "sender.h"
#include "stacks.h"
#include "status.h"

static struct {
	const struct settings *settings; /* borrowed */
	void (*look)(void);
	bool forked; /* this process has no writer yet: its parent had */
} engine;

/* ---- fork ----------------------------------------------------------------------------------- */

static void before_fork(void)
{
	control_lock();
	senders_lock();
	announced_lock();
}

static void after_fork_in_parent(void)
{
	announced_unlock();
	senders_unlock();
	control_unlock();
}

/*
 * The child has this thread alone, and no writer. It begins a run of its own at its first call,
 * appended to the same file. Most children become another program before that.
 */
static void after_fork_in_child(void)
{
	control_forked();
	senders_forked();
	announced_forked();
	writer_forked();
	state_forked();
	probes_restart();
	status_forked();
	if (!engine_running())
		return;
	engine.forked = true;
	control_begin();
}

/* With the GIL held: the first thread of a forked child that records has its own writer started. */
static void start_writer_of_child(void)
{
	struct why w = {};
	int err;

	if (!engine.forked)
		return;
	engine.forked = false;
	err = writer_start(&engine.settings->config, true, engine.look, &w);
	if (!err)
		return;
	writer_fail(err, &w);
	state_set_running(false);
}

/* ---- begin and end ---------------------------------------------------------------------- */

static void init_once(void)
{
	senders_init(start_writer_of_child);
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int engine_start(const struct settings *settings, void (*look)(void), struct why *w)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int err;

	pthread_once(&once, init_once);
	engine.settings = settings;
	engine.look = look;
	engine.forked = false;
	state_begin(settings);
	control_begin();
	senders_discard(); /* what threads recorded after the last run ended is not of this one */
	greenlets_begin();
	probes_restart();
	err = writer_start(&settings->config, false, look, w);
	if (!err)
		state_set_running(true);
	return err;
}

int engine_stop(struct engine_totals *ret_totals, struct why *w)
{
	*ret_totals = (struct engine_totals){};
	if (!engine_running())
		return 0;
	state_set_running(false);
	return writer_stop(ret_totals, w); /* none: a child that called nothing */
}

/* ---- flush ------------------------------------------------------------------------------ */

static void flush(bool patient)
{
	Py_BEGIN_ALLOW_THREADS
	control_flush(patient);
	Py_END_ALLOW_THREADS
}

int engine_flush(struct why *w)
{
	if (!engine_running())
		return 0;
	flush(true);
	return control_failure(w);
}

void engine_catch_up(void)
{
	if (engine_running())
		flush(false);
}
