/* SPDX-License-Identifier: MIT */
/* What is not known of a process when it is learned of, and is sought again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/identities_parts.h"

#define AGAIN_MAX_NS (5 * NS_PER_SECOND)
#define AGAIN_AT_ONCE 64 /* processes that are sought for in one go */

char *copy_of(const char *s)
{
	return s && s[0] ? strdup(s) : NULL;
}

static bool is_somewhere(const struct workload *w)
{
	return w->container || w->uid || w->pod || w->service;
}

void identity_ask(struct identities *i, struct identity *d)
{
	d->version = sources_version(&i->sources);
	d->unknown = sources_find(&i->sources, &d->workload);
	d->somewhere = is_somewhere(&d->workload);
}

bool identity_expects(const struct identities *i, const struct identity *d)
{
	return sources_expect(&i->sources, &d->workload, d->unknown);
}

void identities_take_note(struct identities *i, const struct identity *d)
{
	int err = i->sources.err;

	if (!err || i->note || identity_expects(i, d))
		return;
	if (!i->sources.names.logs)
		i->note = "names of pods are not known: set K8S_POD_NAME and K8S_NAMESPACE_NAME "
			  "(--metadata env)";
	else if (err == -EACCES || err == -EPERM)
		i->note = "names of pods are not known: /var/log/pods may not be read "
			  "(--metadata logs)";
	else if (err == -ENOTDIR)
		i->note = "names of pods are not known: there is no /var/log/pods or "
			  "/var/log/containers here (--metadata logs)";
}

static bool is(const char *s, const char *other)
{
	return s && other ? !strcmp(s, other) : s == other;
}

bool identity_same_place(const struct identity *d, const struct identity *other)
{
	return is(d->workload.container, other->workload.container) &&
	       is(d->workload.uid, other->workload.uid);
}

/* ---- again -------------------------------------------------------------------------------- */

/* One that is sought again: its pid, and what is looked up by. */
struct again {
	struct identities *i;
	struct identity sought[AGAIN_AT_ONCE];
	pid_t pid[AGAIN_AT_ONCE];
	int count;
	bool any;
	uint64_t now;
	unsigned version;
};

/* Of map_sweep(): takes none out. */
static bool collect(void *arg, const struct map_slot *slot)
{
	struct again *a = arg;
	struct identity *d = slot->value, *s = &a->sought[a->count];

	if (!unknown_any(d->unknown))
		return false;
	a->any = true;
	if (a->count == AGAIN_AT_ONCE || (a->now < d->again_ns && d->version == a->version))
		return false;
	d->pause_ns = d->pause_ns < AGAIN_MAX_NS / 2 ? d->pause_ns * 2 : AGAIN_MAX_NS;
	d->again_ns = a->now + d->pause_ns;
	*s = (struct identity){};
	s->workload.container = copy_of(d->workload.container);
	s->workload.uid = copy_of(d->workload.uid);
	s->workload.service = copy_of(d->says);
	a->pid[a->count++] = slot->a;
	return false;
}

static bool says_more(const struct workload *w, const struct workload *before)
{
	return !is(w->namespace, before->namespace) || !is(w->pod, before->pod) ||
	       !is(w->name, before->name) || !is(w->owner, before->owner) ||
	       !is(w->service, before->service) || w->pending != before->pending;
}

/* Called with the lock. What is in s is released. */
static void found_again(struct identities *i, pid_t pid, struct identity *s)
{
	struct identity *d = map_get(&i->by_pid, pid, 0);
	struct workload old;

	if (!d || !is(d->workload.container, s->workload.container) ||
	    (d->workload.uid && !is(d->workload.uid, s->workload.uid))) {
		workload_release(&s->workload);
		return;
	}
	d->version = s->version;
	d->unknown = s->unknown;
	s->workload.pending = d->given_up && identity_expects(i, d);
	old = d->workload;
	d->workload = s->workload;
	d->somewhere = s->somewhere;
	d->inherits = false;
	if (says_more(&d->workload, &old)) {
		d->told = false;
		__atomic_add_fetch(&i->version, 1, __ATOMIC_RELEASE);
	}
	workload_release(&old);
	identities_take_note(i, d);
}

bool identities_seek(struct identities *i)
{
	struct again *a;
	bool any;

	if (!i || !__atomic_load_n(&i->any_unknown, __ATOMIC_RELAXED))
		return false;
	a = calloc(1, sizeof(*a));
	if (!a)
		return true;
	a->now = clock_ns(CLOCK_MONOTONIC);
	a->version = sources_version(&i->sources);
	pthread_mutex_lock(&i->lock);
	map_sweep(&i->by_pid, collect, a);
	any = a->any;
	__atomic_store_n(&i->any_unknown, any, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&i->lock);
	for (int n = 0; n < a->count; n++) {
		identity_ask(i, &a->sought[n]);
		pthread_mutex_lock(&i->lock);
		found_again(i, a->pid[n], &a->sought[n]);
		pthread_mutex_unlock(&i->lock);
	}
	free(a);
	return any;
}
