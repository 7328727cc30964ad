/* SPDX-License-Identifier: MIT */
/* The lock protects the state and the note; the thread holds it for nothing else. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "node/api/answers.h"
#include "node/api/api.h"
#include "node/api/cut.h"
#include "node/api/get.h"

#define PART 100       /* pods of one part of a list, where the server heeds it */
#define PARTS_MAX 1000 /* of one list */
#define LIST_S 30
#define WATCH_S 240	/* then the server ends it; plus up to a quarter */
#define WATCH_MORE_S 15 /* for the end to come */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 15000
#define STEADY_NS (5 * NS_PER_SECOND) /* a watch that lasted so long did not fail at once */
#define AWAY_NS (60 * NS_PER_SECOND)
#define FAILURES_MAX 2 /* of watches, then the pods are listed again */
#define STOP_NS NS_PER_SECOND

struct api {
	struct access access;
	struct pods *pods;
	struct get *get;
	char *selector; /* owned: the node as part of a query */
	pthread_t thread;
	bool started;
	/* of the thread: */
	struct answers answers;
	bool listed; /* it can watch from answers.version on */
	unsigned failures, pause_ms;
	unsigned left_out;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum api_state state;
	uint64_t away_ns; /* since when */
	bool noted, note_new, told_left_out;
	char note[API_NOTE_MAX];
};

/* ---- the state ----------------------------------------------------------------------------- */

/* Called with the lock. */
static void set_state(struct api *a, enum api_state state)
{
	if (a->state == state)
		return;
	if (state == API_AWAY)
		a->away_ns = clock_ns(CLOCK_MONOTONIC);
	__atomic_store_n(&a->state, state, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&a->changed);
}

static void is_live(struct api *a)
{
	pthread_mutex_lock(&a->lock);
	if (a->note_new) { /* before anybody read that it is not */
		a->note_new = a->noted = false;
	} else if (a->state == API_FAILED && a->noted) {
		snprintf(a->note, sizeof(a->note),
			 "the API server answers again: labels and "
			 "owners of pods are known");
		a->note_new = true;
		a->noted = false;
	}
	set_state(a, API_LIVE);
	pthread_mutex_unlock(&a->lock);
}

/* Of the states that lead here only API_AWAY lasts. */
static void has_failed(struct api *a, const struct why *w)
{
	pthread_mutex_lock(&a->lock);
	if (a->state == API_LIVE)
		set_state(a, API_AWAY);
	if (a->state == API_TRYING ||
	    (a->state == API_AWAY && clock_ns(CLOCK_MONOTONIC) - a->away_ns > AWAY_NS))
		set_state(a, API_FAILED);
	if (a->state == API_FAILED && !a->noted) {
		snprintf(a->note, sizeof(a->note),
			 "labels and owners of pods are not known (--metadata api): %s%s%.300s",
			 a->access.url ? a->access.url : "", a->access.url ? ": " : "", w->text);
		a->noted = a->note_new = true;
	}
	pthread_mutex_unlock(&a->lock);
}

/* ---- requests ------------------------------------------------------------------------------ */

static int on_data(void *cut, const char *s, size_t len)
{
	return cut_feed(cut, s, len);
}

static int no_memory(struct why *w)
{
	return why(w, -ENOMEM, "out of memory");
}

/* Old servers give all pods at once when they need not ask their store, which is much dearer. */
static int path_of_part(const struct api *a, char **ret)
{
	char *next = a->answers.next[0] ? get_escape(a->answers.next) : NULL;
	int n = asprintf(ret, "/api/v1/pods?fieldSelector=%s&limit=%d%s%s", a->selector, PART,
			 next ? "&continue=" : "&resourceVersion=0", next ?: "");
	bool bad = n < 0 || (a->answers.next[0] && !next);

	free(next);
	if (!bad)
		return 0;
	if (n >= 0)
		free(*ret);
	return -ENOMEM;
}

static int list_part(struct api *a, struct why *w)
{
	struct cut cut;
	struct get_request r = {.max_s = LIST_S, .data = on_data, .arg = &cut};
	const char *rest;
	char *path;
	size_t len;
	int err = path_of_part(a, &path);

	if (err)
		return no_memory(w);
	r.path = path;
	cut_init(&cut, true, answers_item, &a->answers);
	err = get_run(a->get, &r, w);
	if (!err) {
		rest = cut_rest(&cut, &len);
		err = rest ? answers_list(&a->answers, rest, len) : -EBADMSG;
		if (err)
			(void)why(w, err, "its answer is not a list of pods");
	}
	a->left_out += cut.left_out;
	cut_release(&cut);
	free(path);
	return err;
}

static int list(struct api *a, struct why *w)
{
	int err = 0, parts = 0;

	a->answers.next[0] = '\0';
	pods_list_begins(a->pods);
	do
		err = list_part(a, w);
	while (!err && a->answers.next[0] && ++parts < PARTS_MAX);
	if (err)
		return err;
	pods_list_ends(a->pods);
	a->listed = true;
	a->failures = 0;
	is_live(a);
	return 0;
}

struct watch {
	struct api *api;
	struct cut cut;
};

static int on_watched(void *watch, const char *s, size_t len)
{
	return cut_feed(&((struct watch *)watch)->cut, s, len);
}

static void on_begun(void *watch)
{
	is_live(((struct watch *)watch)->api);
}

static unsigned up_to(unsigned max)
{
	unsigned r = 0;

	(void)!getrandom(&r, sizeof(r), GRND_NONBLOCK);
	return r % (max + 1);
}

/* 0: it ended as it should. */
static int watch(struct api *a, struct why *w)
{
	unsigned seconds = WATCH_S + up_to(WATCH_S / 4);
	struct watch x = {.api = a};
	struct get_request r = {
		.max_s = seconds + WATCH_MORE_S, .data = on_watched, .begun = on_begun, .arg = &x};
	char *version = get_escape(a->answers.version), *path = NULL;
	int err;

	if (!version || asprintf(&path,
				 "/api/v1/pods?watch=1&fieldSelector=%s&resourceVersion=%s"
				 "&allowWatchBookmarks=true&timeoutSeconds=%u",
				 a->selector, version, seconds) < 0) {
		free(version);
		return no_memory(w);
	}
	r.path = path;
	cut_init(&x.cut, false, answers_event, &a->answers);
	err = get_run(a->get, &r, w);
	a->left_out += x.cut.left_out;
	cut_release(&x.cut);
	free(version);
	free(path);
	return err;
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void note_left_out(struct api *a)
{
	pthread_mutex_lock(&a->lock);
	if (!a->note_new && !a->told_left_out && a->left_out + a->answers.too_many) {
		snprintf(
			a->note, sizeof(a->note),
			"labels and owners of some pods are not known: the API server told of more "
			"than %d, or of one that takes more than %d bytes",
			PODS_MAX, CUT_MAX);
		a->note_new = a->told_left_out = true;
	}
	pthread_mutex_unlock(&a->lock);
}

/* Twice as long as the time before; half of it by chance, so that not all nodes ask at once when
 * the server is back. */
static void pause_before_next(struct api *a)
{
	get_pause(a->get, a->pause_ms / 2 + up_to(a->pause_ms / 2));
	a->pause_ms *= 2;
	if (a->pause_ms > PAUSE_MAX_MS)
		a->pause_ms = PAUSE_MAX_MS;
}

static int watch_on(struct api *a, struct why *w)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC);
	unsigned events = a->answers.events;
	int err = watch(a, w);

	if (clock_ns(CLOCK_MONOTONIC) - began > STEADY_NS || a->answers.events != events) {
		a->pause_ms = PAUSE_MIN_MS;
		a->failures = 0;
	}
	a->failures += err != 0;
	if (err == -ESTALE || a->failures >= FAILURES_MAX)
		a->listed = false;
	return err;
}

static void *work(void *api)
{
	struct api *a = api;
	int err = 0;

	while (err != -ECANCELED) {
		bool watches = a->listed;
		struct why w = {};

		err = watches ? watch_on(a, &w) : list(a, &w);
		note_left_out(a);
		/* The server is there when it says that what it is asked for is too old. */
		if (err && err != -ECANCELED && err != -ESTALE)
			has_failed(a, &w);
		if (watches || err)
			pause_before_next(a);
	}
	return NULL;
}

/* ---- what the header promises -------------------------------------------------------------- */

static int start(struct api *a, const struct api_options *o, struct why *w)
{
	char *node = get_escape(o->node);
	int n = node ? asprintf(&a->selector, "spec.nodeName%%3D%s", node) : -1;

	free(node);
	if (n < 0) {
		a->selector = NULL;
		return no_memory(w);
	}
	if (get_new(&a->access, &a->get))
		return no_memory(w);
	a->started = !pthread_create(&a->thread, NULL, work, a);
	return a->started ? 0 : why(w, -EAGAIN, "cannot start a thread");
}

int api_new(const struct api_options *o, struct api **ret_api, struct why *w)
{
	struct api *a = calloc(1, sizeof(*a));
	struct why none = {};
	pthread_condattr_t monotonic;
	int err;

	if (!a)
		return no_memory(w);
	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&a->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	a->pause_ms = PAUSE_MIN_MS;
	err = pods_new(&a->pods) ? no_memory(w) : 0;
	a->answers.pods = a->pods;
	if (!err)
		err = access_init(&a->access, o->server, o->credentials, &none);
	if (!err)
		err = start(a, o, &none);
	if (err == -ENOENT) {
		has_failed(a, &none);
		err = 0;
	}
	if (err) {
		api_free(a);
		return why_exit(w, none.exit_status, err, "%s", none.text);
	}
	*ret_api = a;
	return 0;
}

static bool join_soon(struct api *a)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + STOP_NS;
	struct timespec at = {until / NS_PER_SECOND, until % NS_PER_SECOND};

	get_stop(a->get);
	if (!pthread_clockjoin_np(a->thread, NULL, CLOCK_MONOTONIC, &at))
		return true;
	pthread_detach(a->thread); /* a look-up of a name takes its time */
	return false;
}

void api_free(struct api *a)
{
	if (!a || (a->started && !join_soon(a)))
		return;
	get_free(a->get);
	access_release(&a->access);
	pods_free(a->pods);
	free(a->selector);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

enum api_state api_state(const struct api *a)
{
	return __atomic_load_n(&a->state, __ATOMIC_RELAXED);
}

void api_wait(struct api *a, unsigned ms)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS;
	struct timespec at = {until / NS_PER_SECOND, until % NS_PER_SECOND};
	int err = 0;

	pthread_mutex_lock(&a->lock);
	while (!err && a->state == API_TRYING)
		err = pthread_cond_timedwait(&a->changed, &a->lock, &at);
	pthread_mutex_unlock(&a->lock);
}

int api_fill(struct api *a, struct workload *w)
{
	return pods_fill(a->pods, w);
}

unsigned api_version(const struct api *a)
{
	return pods_version(a->pods);
}

bool api_note(struct api *a, char ret[API_NOTE_MAX])
{
	bool has;

	pthread_mutex_lock(&a->lock);
	has = a->note_new;
	a->note_new = false;
	if (has)
		memcpy(ret, a->note, sizeof(a->note));
	pthread_mutex_unlock(&a->lock);
	return has;
}
