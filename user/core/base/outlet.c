/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logfile.h"
#include "base/outlet.h"
#include "base/outway.h"
#include "base/safe_text.h"

#define STOP_MS 200 /* for the thread to end, unless it waits for a disk */

struct chunk {
	struct chunk *next;
	struct buf bytes;
	int fd; /* >= 0: no bytes; the next chunks are written to it */
	bool close_old;
};

struct outlet {
	char *name; /* owned */
	pthread_t thread;
	bool terminal; /* chunks that are put now go to a terminal */
	bool trusted;
	_Atomic size_t bytes;
	_Atomic uint64_t
		progress_ns; /* of the last write, or of the first put into an empty queue */

	/* Only the thread uses these. */
	struct outway way;
	struct logfile *log; /* owned; NULL: way is written to */

	pthread_mutex_t lock; /* protects the fields below */
	pthread_cond_t put, taken;
	struct chunk *first, **last;
	size_t at; /* bytes of first that are written */
	bool stop, stopped;
	bool settle; /* what log keeps is to be written when the queue is empty */
	int err;
	struct why why; /* of log */
};

/* ---- the thread ------------------------------------------------------------------------ */

static void chunk_free(struct chunk *c)
{
	buf_release(&c->bytes);
	free(c);
}

/* With the lock held. */
static void drop_first(struct outlet *o)
{
	struct chunk *c = o->first;

	o->first = c->next;
	if (!o->first)
		o->last = &o->first;
	o->at = 0;
	chunk_free(c);
	pthread_cond_broadcast(&o->taken);
}

/* With the lock held. */
static void fail(struct outlet *o, int err)
{
	o->err = err;
	pthread_cond_broadcast(&o->taken);
}

/* With the lock held, which is released while log waits for the disk. */
static void of_log(struct outlet *o, int (*step)(struct logfile *log, struct why *w))
{
	int err;

	pthread_mutex_unlock(&o->lock);
	err = step(o->log, &o->why);
	pthread_mutex_lock(&o->lock);
	if (err)
		fail(o, err);
}

static void switch_log(struct outlet *o, int fd)
{
	int err;

	pthread_mutex_unlock(&o->lock);
	err = logfile_switch(o->log, fd, &o->why);
	pthread_mutex_lock(&o->lock);
	if (err)
		fail(o, err);
}

/* With the lock held. */
static void switch_to(struct outlet *o, const struct chunk *c)
{
	if (o->log) {
		switch_log(o, c->fd);
	} else {
		outway_close(&o->way);
		if (c->close_old)
			close(o->way.fd);
		outway_open(&o->way, c->fd);
	}
	drop_first(o);
}

static ssize_t write_some(struct outlet *o, const char *s, size_t len)
{
	return o->log ? logfile_put(o->log, s, len, &o->why) : outway_write(&o->way, s, len);
}

/* With the lock held, which is released during the write. The first chunk stays in the queue. */
static void write_first(struct outlet *o)
{
	struct chunk *c = o->first;
	ssize_t n;

	if (c->fd >= 0) {
		switch_to(o, c);
		return;
	}
	pthread_mutex_unlock(&o->lock);
	n = write_some(o, c->bytes.s + o->at, c->bytes.len - o->at);
	pthread_mutex_lock(&o->lock);
	if (n < 0) {
		fail(o, n);
		return;
	}
	if (n)
		atomic_store(&o->progress_ns, clock_ns(CLOCK_MONOTONIC));
	o->at += n;
	atomic_fetch_sub(&o->bytes, n);
	if (o->at == c->bytes.len)
		drop_first(o);
}

static struct timespec in_ms(unsigned ms)
{
	uint64_t ns = clock_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;

	return (struct timespec){ns / NS_PER_SECOND, ns % NS_PER_SECOND};
}

/* With the lock held: the queue is empty. */
static void wait_for_put(struct outlet *o)
{
	struct timespec until = in_ms(LOGFILE_TICK_MS);

	if (!o->log || o->err) {
		pthread_cond_wait(&o->put, &o->lock);
	} else if (o->settle) {
		of_log(o, logfile_flush);
		o->settle = o->first; /* what came meanwhile is to be written too */
		pthread_cond_broadcast(&o->taken);
	} else if (!logfile_waits(o->log)) {
		pthread_cond_wait(&o->put, &o->lock);
	} else if (pthread_cond_timedwait(&o->put, &o->lock, &until)) {
		of_log(o, logfile_tick);
	}
}

static void *outlet_main(void *arg)
{
	struct outlet *o = arg;

	pthread_mutex_lock(&o->lock);
	while (!o->stop) {
		if (o->first && !o->err)
			write_first(o);
		else
			wait_for_put(o);
	}
	o->stopped = true;
	pthread_cond_broadcast(&o->taken);
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* The new thread blocks all signals: another one waits for them. */
static int start(struct outlet *o)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&o->thread, NULL, outlet_main, o);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void init_waiting(struct outlet *o)
{
	pthread_condattr_t clock;

	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->put, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&o->taken, &clock);
	pthread_condattr_destroy(&clock);
}

int outlet_new(int fd, const char *name, struct outlet **ret_outlet, struct why *w)
{
	struct outlet *o = calloc(1, sizeof(*o));
	int err;

	if (!o)
		return why(w, -ENOMEM, "out of memory");
	o->last = &o->first;
	o->name = strdup(name);
	o->way.stop_fd = eventfd(0, EFD_CLOEXEC);
	o->terminal = isatty(fd);
	init_waiting(o);
	outway_open(&o->way, fd);
	err = !o->name ? -ENOMEM : o->way.stop_fd < 0 ? -errno : start(o);
	if (err) {
		outway_close(&o->way);
		if (o->way.stop_fd >= 0)
			close(o->way.stop_fd);
		free(o->name);
		free(o);
		return why(w, err, "cannot write %s from a thread of its own: %s", name,
			   strerror(-err));
	}
	*ret_outlet = o;
	return 0;
}

/* ---- the other side -------------------------------------------------------------------- */

static int failed(const struct outlet *o, struct why *w)
{
	if (o->err && o->why.exit_status)
		return why(w, o->err, "%s", o->why.text);
	return o->err ? why(w, o->err, "cannot write to %s: %s", o->name, strerror(-o->err)) : 0;
}

static int add(struct outlet *o, struct chunk *c, struct why *w)
{
	int err;

	pthread_mutex_lock(&o->lock);
	err = failed(o, w);
	if (!err) {
		if (!atomic_fetch_add(&o->bytes, c->bytes.len))
			atomic_store(&o->progress_ns, clock_ns(CLOCK_MONOTONIC));
		*o->last = c;
		o->last = &c->next;
		pthread_cond_signal(&o->put);
	}
	pthread_mutex_unlock(&o->lock);
	if (err)
		chunk_free(c);
	return err;
}

/* Names that others chose may hold control characters for a terminal. */
static bool make_safe(struct buf *b)
{
	struct buf safe = {};

	safe_lines(&safe, b->s, b->len, true);
	buf_release(b);
	*b = safe;
	return !b->failed;
}

void outlet_log(struct outlet *o, struct logfile *log)
{
	pthread_mutex_lock(&o->lock);
	o->log = log;
	pthread_mutex_unlock(&o->lock);
}

void outlet_trust(struct outlet *o)
{
	o->trusted = true;
}

int outlet_put(struct outlet *o, struct buf *b, struct why *w)
{
	struct chunk *c;

	if (!b->len)
		return outlet_error(o, w);
	if (o->terminal && !o->trusted && !make_safe(b))
		return why(w, -ENOMEM, "out of memory");
	c = calloc(1, sizeof(*c));
	if (!c)
		return why(w, -ENOMEM, "out of memory");
	c->fd = -1;
	c->bytes = *b;
	*b = (struct buf){};
	return add(o, c, w);
}

int outlet_switch(struct outlet *o, int fd, bool close_old, struct why *w)
{
	struct chunk *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return why(w, -ENOMEM, "out of memory");
	c->fd = fd;
	c->close_old = close_old;
	err = add(o, c, w);
	if (!err)
		o->terminal = isatty(fd);
	return err;
}

size_t outlet_bytes(const struct outlet *o)
{
	return atomic_load(&o->bytes);
}

int outlet_error(struct outlet *o, struct why *w)
{
	int err;

	pthread_mutex_lock(&o->lock);
	err = failed(o, w);
	pthread_mutex_unlock(&o->lock);
	return err;
}

int outlet_wait(struct outlet *o, unsigned ms, struct why *w)
{
	struct timespec until = in_ms(ms);
	int err = 0;

	pthread_mutex_lock(&o->lock);
	o->settle = o->log;
	pthread_cond_signal(&o->put);
	while ((o->first || o->settle) && !o->err && !err)
		err = -pthread_cond_timedwait(&o->taken, &o->lock, &until);
	err = o->err ? failed(o, w) : o->first || o->settle ? -EAGAIN : 0;
	pthread_mutex_unlock(&o->lock);
	return err;
}

uint64_t outlet_stalled_ns(struct outlet *o)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), last = atomic_load(&o->progress_ns);

	return outlet_bytes(o) && now > last ? now - last : 0;
}

/* ---- the end --------------------------------------------------------------------------- */

/* Stops the thread. False: it is in a write that does not return, for example to a disk that is
 * gone. */
static bool stop(struct outlet *o)
{
	struct timespec until = in_ms(STOP_MS);
	uint64_t one = 1;
	bool stopped;
	int err = 0;

	pthread_mutex_lock(&o->lock);
	o->stop = true;
	pthread_cond_signal(&o->put);
	(void)!write(o->way.stop_fd, &one, sizeof(one));
	while (!o->stopped && !err)
		err = pthread_cond_timedwait(&o->taken, &o->lock, &until);
	stopped = o->stopped;
	pthread_mutex_unlock(&o->lock);
	if (stopped && o->thread)
		pthread_join(o->thread, NULL);
	if (stopped)
		o->thread = 0;
	return stopped;
}

void outlet_give_up(struct outlet *o, struct buf *ret_rest)
{
	bool stopped = stop(o);
	size_t at;

	pthread_mutex_lock(&o->lock);
	at = o->at;
	/* Complete a line that is partly written. */
	if (stopped && !o->err && o->way.kind != KIND_FILE && o->first && at &&
	    o->first->bytes.s[at - 1] != '\n') {
		const char *s = o->first->bytes.s + at;
		size_t len = outway_line(s, o->first->bytes.len - at);

		outway_write_at_once(&o->way, s, len);
		at += len;
	}
	for (const struct chunk *c = o->first; c; c = c->next, at = 0)
		if (c->bytes.len > at)
			buf_add(ret_rest, c->bytes.s + at, c->bytes.len - at);
	pthread_mutex_unlock(&o->lock);
}

void outlet_last_words(struct outlet *o, const char *s, size_t len)
{
	if (o->thread || o->err)
		return;
	if (o->log)
		(void)logfile_put(o->log, s, len, NULL);
	else
		outway_write_at_once(&o->way, s, len);
}

void outlet_free(struct outlet *o)
{
	/* A thread that did not stop still uses its memory, which is kept: the program is about to
	 * end. */
	if (!o || !stop(o))
		return;
	while (o->first)
		drop_first(o);
	outway_close(&o->way);
	logfile_free(o->log);
	close(o->way.stop_fd);
	pthread_mutex_destroy(&o->lock);
	pthread_cond_destroy(&o->put);
	pthread_cond_destroy(&o->taken);
	free(o->name);
	free(o);
}
