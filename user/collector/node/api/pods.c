/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "node/api/pods.h"

#define KEEP_NS (60 * NS_PER_SECOND) /* of one that is gone */

struct entry {
	struct pod pod;
	unsigned list;	  /* the last list that it was in */
	uint64_t gone_ns; /* 0: it exists */
};

struct pods {
	pthread_mutex_t lock;
	struct entry entry[PODS_MAX];
	size_t count;
	unsigned list; /* counts them */
	_Atomic unsigned version;
};

int pods_new(struct pods **ret_pods)
{
	struct pods *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	*ret_pods = p;
	return 0;
}

void pods_free(struct pods *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		pod_release(&p->entry[i].pod);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- called with the lock ------------------------------------------------------------------ */

static struct entry *find(struct pods *p, const char *uid)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->entry[i].pod.uid, uid))
			return &p->entry[i];
	return NULL;
}

static void drop(struct pods *p, struct entry *e)
{
	pod_release(&e->pod);
	*e = p->entry[--p->count];
}

/* Drops those that are gone for longer than that. */
static void drop_old(struct pods *p, uint64_t keep_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	for (size_t i = p->count; i-- > 0;)
		if (p->entry[i].gone_ns && now - p->entry[i].gone_ns >= keep_ns)
			drop(p, &p->entry[i]);
}

static struct entry *room(struct pods *p)
{
	drop_old(p, KEEP_NS);
	if (p->count == PODS_MAX)
		drop_old(p, 0);
	return p->count < PODS_MAX ? &p->entry[p->count++] : NULL;
}

static void mark_gone(struct entry *e)
{
	if (!e->gone_ns)
		e->gone_ns = clock_ns(CLOCK_MONOTONIC);
}

/* A pod that exists comes first: of a static pod the uid in cgroups stays when it is made again. */
static struct entry *find_of(struct pods *p, const struct workload *w)
{
	struct entry *gone = NULL;

	for (size_t i = 0; i < p->count; i++) {
		if (!pod_has(&p->entry[i].pod, w))
			continue;
		if (!p->entry[i].gone_ns)
			return &p->entry[i];
		gone = &p->entry[i];
	}
	return gone;
}

/* ---- what the header promises -------------------------------------------------------------- */

int pods_put(struct pods *p, struct pod *pod)
{
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	e = find(p, pod->uid);
	if (e)
		pod_release(&e->pod);
	else
		e = room(p);
	if (e)
		*e = (struct entry){.pod = *pod, .list = p->list};
	pthread_mutex_unlock(&p->lock);
	if (!e)
		pod_release(pod);
	*pod = (struct pod){};
	p->version++;
	return e ? 0 : -E2BIG;
}

void pods_gone(struct pods *p, const char *uid)
{
	struct entry *e;

	pthread_mutex_lock(&p->lock);
	e = find(p, uid);
	if (e)
		mark_gone(e);
	pthread_mutex_unlock(&p->lock);
}

void pods_list_begins(struct pods *p)
{
	pthread_mutex_lock(&p->lock);
	p->list++;
	pthread_mutex_unlock(&p->lock);
}

void pods_list_ends(struct pods *p)
{
	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		if (p->entry[i].list != p->list)
			mark_gone(&p->entry[i]);
	pthread_mutex_unlock(&p->lock);
	p->version++;
}

int pods_fill(struct pods *p, struct workload *w)
{
	const struct entry *e;
	int err;

	if (!w->uid && !w->container)
		return -ENOENT;
	pthread_mutex_lock(&p->lock);
	e = find_of(p, w);
	err = e ? pod_fill(&e->pod, w) : -ENOENT;
	pthread_mutex_unlock(&p->lock);
	return err;
}

size_t pods_count(struct pods *p)
{
	size_t count = 0;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		count += !p->entry[i].gone_ns;
	pthread_mutex_unlock(&p->lock);
	return count;
}

unsigned pods_version(const struct pods *p)
{
	return p->version;
}
