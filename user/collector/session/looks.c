/* SPDX-License-Identifier: MIT */
/*
 * The lock protects the lists; nothing else is shared. The thread holds no lock while it examines a
 * process, so its callers never wait for a file.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "discover/budget.h"
#include "discover/discover.h"
#include "looks.h"

/* Files can be crafted so that a look takes a fifth of a second of CPU time (discover/budget.h).
 * After a look that took long, only held processes are looked at for four times as long, or, if it
 * was one of those found, all others. */
#define LONG_LOOK_NS (20 * NS_PER_MS)
#define PAUSE 4
#define SWEEP_EVERY_NS (2 * NS_PER_SECOND)
#define SEEK_EVERY_NS (100 * NS_PER_MS) /* what is not known of processes */
#define STOP_NS NS_PER_SECOND /* for a look to end; one that takes longer waits for a file */

struct list {
	struct look *first, **end;
};

struct looks {
	const struct config *config;
	struct attach *attach;
	struct binaries *binaries;
	struct identities *identities;
	struct rulebook *rulebook; /* NULL: of all processes the same is asked for */
	pthread_t thread;
	bool started;
	int fd;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list held, usual, found, done;
	int count; /* looks in these lists, and the one under way */
	uint64_t number, seek_ns;
	uint64_t rest_until_ns, found_rest_until_ns; /* no usual ones; none of those found */
	bool stop;
	bool seeks; /* something is not known of a process, perhaps */
};

static void append(struct list *l, struct look *k)
{
	k->next = NULL;
	*l->end = k;
	l->end = &k->next;
}

static struct look *take_first(struct list *l)
{
	struct look *k = l->first;

	if (!k)
		return NULL;
	l->first = k->next;
	if (!l->first)
		l->end = &l->first;
	return k;
}

/* ---- the thread ---------------------------------------------------------------------------- */

int look_hook(struct attach *a, const struct config *c, uint64_t program, uint32_t policy,
	      const struct prepared *p, struct why *w)
{
	pid_t pid = p->target.pid;
	int err = attach_process(a, &p->target, program, policy, &p->layout, &p->hooks, w);

	if (err)
		return err;
	err = discover_unchanged(&p->target, w);
	if (err)
		attach_withdraw(a, pid, err == -ESTALE && c->follow == 1);
	/* greenlet may have been loaded after the process was examined and before it was hooked. */
	else if (!p->target.greenlets && !p->hooks.in_agent && discover_greenlets(pid))
		attach_greenlets(a, pid);
	if (!err && prepared_has_begun(p))
		attach_began_before(a, pid);
	return err;
}

/* It may have begun another program than was looked at: who it is does not change with that. */
static int choose(struct looks *l, pid_t pid, uint32_t *ret_policy, struct why *w)
{
	enum choice choice = CHOICE_YES;

	*ret_policy = 0;
	if (selection_asked(l->config) || rulebook_asks(l->config))
		choice = identities_choose(l->identities, l->config, pid);
	if (choice == CHOICE_LATER)
		return -EINPROGRESS;
	if (choice == CHOICE_YES &&
	    (!l->rulebook || !rulebook_policy(l->rulebook, pid, ret_policy)))
		return 0;
	attach_leave_out(l->attach, pid);
	if (!l->config->all)
		(void)why_exit(w, EXIT_NOT_PERMITTED, -EXDEV, "%s", LOOK_REFUSED);
	return -EXDEV;
}

static int identify_and_hook(struct looks *l, struct look *k, uint64_t program,
			     const struct prepared *p)
{
	uint32_t policy;
	int err;

	identities_learn(l->identities, k->pid);
	err = choose(l, k->pid, &policy, &k->why);
	if (!err && k->kind == LOOK_CHILD)
		err = attach_add(l->attach, k->pid, true, &k->why);
	if (!err && k->kind == LOOK_FOUND)
		err = attach_add_new(l->attach, k->pid, &k->why);
	if (!err)
		err = look_hook(l->attach, l->config, program, policy, p, &k->why);
	if (err && err != -EINPROGRESS)
		identities_forget(l->identities, k->pid);
	return err;
}

static void look_at(struct looks *l, struct look *k)
{
	uint64_t program = l->attach ? attach_program_of(l->attach, k->pid) : 0;
	struct prepared *p = calloc(1, sizeof(*p));
	int err;

	err = p ? prepare(k->pid, l->config, l->binaries, p, &k->why)
		: why(&k->why, -ENOMEM, "out of memory");
	k->python = p && p->target.binary;
	if (!err)
		err = identify_and_hook(l, k, program, p);
	if (l->attach && err && err != -EAGAIN && err != -EXDEV && err != -EINPROGRESS &&
	    k->kind != LOOK_CHILD && k->kind != LOOK_FOUND)
		attach_refuse(l->attach, k->pid);
	k->err = err;
	if (!err)
		k->found = p;
	else if (p)
		target_release(&p->target);
	if (err)
		free(p);
}

/* Waits until there is something to do, or until the rest after a long look is over, or it is time
 * to sweep or to seek. */
static void wait_for_more(struct looks *l)
{
	uint64_t every_ns = l->seeks ? SEEK_EVERY_NS : SWEEP_EVERY_NS;
	uint64_t until_ns = l->usual.first   ? l->rest_until_ns
			    : l->found.first ? l->found_rest_until_ns
					     : clock_ns(CLOCK_MONOTONIC) + every_ns;
	struct timespec until = {until_ns / NS_PER_SECOND, until_ns % NS_PER_SECOND};

	pthread_cond_timedwait(&l->changed, &l->lock, &until);
}

static void seek(struct looks *l)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!l->seeks || now - l->seek_ns < SEEK_EVERY_NS)
		return;
	l->seek_ns = now;
	l->seeks = identities_seek(l->identities);
}

/* Called often: each of these knows when it is due. */
static void upkeep(struct looks *l)
{
	if (l->attach)
		attach_sweep(l->attach);
	if (l->attach && l->rulebook)
		rulebook_tick(l->rulebook);
	seek(l);
}

/* Called with the lock. */
static struct look *take(struct looks *l)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct look *k = take_first(&l->held);

	if (!k && now >= l->rest_until_ns)
		k = take_first(&l->usual);
	if (!k && !l->usual.first && now >= l->found_rest_until_ns)
		k = take_first(&l->found);
	return k;
}

/* The next look; NULL: the thread is to end. */
static struct look *next(struct looks *l)
{
	struct look *k = NULL;

	pthread_mutex_lock(&l->lock);
	while (!l->stop && !(k = take(l))) {
		wait_for_more(l);
		pthread_mutex_unlock(&l->lock);
		upkeep(l);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return k;
}

static void hand_over(struct looks *l, struct look *k)
{
	uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	append(&l->done, k);
	pthread_mutex_unlock(&l->lock);
	(void)!write(l->fd, &one, sizeof(one));
}

/* After a look that took so much CPU time. Those found do not keep the usual ones waiting. */
static void rest(struct looks *l, const struct look *k, uint64_t took)
{
	uint64_t until_ns = clock_ns(CLOCK_MONOTONIC) + PAUSE * took;

	if (took <= LONG_LOOK_NS)
		return;
	if (k->kind == LOOK_FOUND)
		l->found_rest_until_ns = until_ns;
	else
		l->rest_until_ns = until_ns;
}

static void *work(void *looks)
{
	struct looks *l = looks;
	struct look *k;

	if (l->rulebook)
		rulebook_tick(l->rulebook);
	while ((k = next(l))) {
		uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID), took;

		look_at(l, k);
		took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - began;
		rest(l, k, took);
		l->seeks = l->identities;
		hand_over(l, k);
		upkeep(l);
	}
	return NULL;
}

/* ---- its callers --------------------------------------------------------------------------- */

int looks_new(const struct config *c, struct attach *a, struct binaries *binaries,
	      struct looks **ret_looks, struct why *w)
{
	struct looks *l = calloc(1, sizeof(*l));
	pthread_condattr_t monotonic;

	if (!l)
		return why(w, -ENOMEM, "out of memory");
	*l = (struct looks){.config = c, .attach = a, .binaries = binaries};
	l->held.end = &l->held.first;
	l->usual.end = &l->usual.first;
	l->found.end = &l->found.first;
	l->done.end = &l->done.first;
	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0) {
		free(l);
		return why(w, -errno, "cannot make an eventfd");
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	(void)budget_cpu_ns(); /* it is measured once: do that while there is one thread */
	*ret_looks = l;
	return 0;
}

static struct timespec soon(void)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + STOP_NS;

	return (struct timespec){until / NS_PER_SECOND, until % NS_PER_SECOND};
}

static bool join_soon(struct looks *l)
{
	struct timespec until = soon();

	return !pthread_clockjoin_np(l->thread, NULL, CLOCK_MONOTONIC, &until);
}

bool looks_stop(struct looks *l)
{
	if (!l || !l->started)
		return true;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
	if (join_soon(l)) {
		l->started = false;
		return true;
	}
	/* The thread ends where it waits, or when the kernel returns from the call: it runs no code
	 * of ours again. */
	pthread_cancel(l->thread);
	pthread_detach(l->thread);
	return false;
}

static void free_all(struct list *l)
{
	struct look *k;

	while ((k = take_first(l)))
		look_free(k);
}

static bool start(struct looks *l)
{
	l->started = l->started || !pthread_create(&l->thread, NULL, work, l);
	return l->started;
}

void looks_identify(struct looks *l, struct identities *i)
{
	l->identities = i;
	l->seeks = i != NULL;
	if (i)
		(void)start(l);
}

void looks_follow(struct looks *l, struct rulebook *b)
{
	l->rulebook = b;
}

void looks_free(struct looks *l)
{
	if (!l)
		return;
	free_all(&l->held);
	free_all(&l->usual);
	free_all(&l->found);
	free_all(&l->done);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	close(l->fd);
	free(l);
}

static struct list *list_of(struct looks *l, enum look_kind kind)
{
	return kind == LOOK_HELD ? &l->held : kind == LOOK_FOUND ? &l->found : &l->usual;
}

void looks_wake(struct looks *l)
{
	if (!start(l))
		return;
	pthread_mutex_lock(&l->lock);
	pthread_cond_signal(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

uint64_t looks_ask(struct looks *l, pid_t pid, enum look_kind kind)
{
	struct look *k;
	uint64_t number = 0;

	if (!start(l) || !(k = calloc(1, sizeof(*k))))
		return 0;
	*k = (struct look){.pid = pid, .kind = kind};
	pthread_mutex_lock(&l->lock);
	if (l->count < LOOKS_MAX) {
		l->count++;
		number = k->number = ++l->number;
		append(list_of(l, kind), k);
		pthread_cond_signal(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	if (!number)
		free(k);
	return number;
}

int looks_fd(const struct looks *l)
{
	return l->fd;
}

struct look *looks_take(struct looks *l)
{
	struct look *k;
	uint64_t n;

	pthread_mutex_lock(&l->lock);
	k = take_first(&l->done);
	l->count -= k != NULL;
	if (!k) /* before the lock lets the thread hand over another */
		(void)!read(l->fd, &n, sizeof(n));
	pthread_mutex_unlock(&l->lock);
	return k;
}

void look_free(struct look *k)
{
	if (k->found)
		target_release(&k->found->target);
	free(k->found);
	free(k);
}
