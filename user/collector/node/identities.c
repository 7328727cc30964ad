/* SPDX-License-Identifier: MIT */
/*
 * The lock protects the map and what it holds. The reader of the ring takes it when the process of
 * a record is another than that of the record before, or something was learned in between.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "model/workload.h"
#include "node/cgroup.h"
#include "node/identities_parts.h"
#include "node/service.h"

#define IDENTITIES_MAX 65536	      /* twice the most that are traced at once */
#define CHOICE_NS (5 * NS_PER_SECOND) /* for what is not known yet, before it is chosen without */

/* ---- by process --------------------------------------------------------------------------- */

static void identity_free(struct identity *d)
{
	if (!d)
		return;
	workload_release(&d->workload);
	free(d->says);
	free(d);
}

static bool free_one(void *arg, const struct map_slot *slot)
{
	identity_free(slot->value);
	return true;
}

static bool free_dead(void *arg, const struct map_slot *slot)
{
	return kill(slot->a, 0) && errno == ESRCH && free_one(NULL, slot);
}

int identities_new(const struct config *c, const char *logs, struct identities **ret_identities,
		   struct why *w)
{
	struct identities *i;
	int err;

	*ret_identities = NULL;
	if (!strcmp(c->metadata, "none"))
		return 0;
	i = calloc(1, sizeof(*i));
	if (!i)
		return why(w, -ENOMEM, "out of memory");
	pthread_mutex_init(&i->lock, NULL);
	err = sources_init(&i->sources, c, logs, w);
	if (err) {
		identities_free(i);
		return err;
	}
	*ret_identities = i;
	return 0;
}

void identities_free(struct identities *i)
{
	if (!i)
		return;
	map_sweep(&i->by_pid, free_one, NULL);
	map_release(&i->by_pid);
	buf_release(&i->record);
	sources_release(&i->sources);
	pthread_mutex_destroy(&i->lock);
	free(i);
}

/* Owns d from here on. Called with the lock. */
static void put(struct identities *i, pid_t pid, struct identity *d)
{
	void *old = NULL;

	if (i->by_pid.count >= IDENTITIES_MAX)
		map_sweep(&i->by_pid, free_dead, NULL);
	if (i->by_pid.count >= IDENTITIES_MAX || map_put(&i->by_pid, pid, 0, d, &old))
		old = d;
	identity_free(old);
	__atomic_add_fetch(&i->version, 1, __ATOMIC_RELEASE);
}

/* NULL: it is gone, or there is no memory. */
static struct identity *find_out(struct identities *i, pid_t pid)
{
	struct identity *d = calloc(1, sizeof(*d));
	struct cgroup *c = calloc(1, sizeof(*c));

	if (!d || !c || cgroup_of(pid, c)) {
		free(c);
		free(d);
		return NULL;
	}
	d->workload.container = copy_of(c->container);
	d->workload.uid = copy_of(c->pod);
	d->says = service_of(pid);
	d->workload.service = copy_of(d->says);
	free(c);
	identity_ask(i, d);
	return d;
}

void identities_learn(struct identities *i, pid_t pid)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC); /* before it is found to be alive */
	struct identity *d = i ? find_out(i, pid) : NULL;
	const struct identity *before;

	if (!d)
		return;
	d->learned_ns = d->since_ns = now;
	d->pause_ns = AGAIN_NS;
	d->again_ns = now + AGAIN_NS;
	pthread_mutex_lock(&i->lock);
	before = map_get(&i->by_pid, pid, 0);
	d->told = !d->somewhere && !(before && before->somewhere);
	if (before && identity_same_place(before, d)) {
		d->since_ns = before->since_ns;
		d->given_up = before->given_up;
		d->workload.pending = d->given_up && identity_expects(i, d);
	}
	if (unknown_any(d->unknown))
		__atomic_store_n(&i->any_unknown, true, __ATOMIC_RELAXED);
	identities_take_note(i, d);
	put(i, pid, d);
	pthread_mutex_unlock(&i->lock);
}

/* ---- which are chosen ---------------------------------------------------------------------- */

/* Called with the lock. Does anything of it that may decide a choice come soon? */
static struct unknown undecided(const struct identities *i, const struct identity *d)
{
	bool waits = i->sources.api && api_state(i->sources.api) != API_LIVE;

	if (!d || !identity_expects(i, d))
		return (struct unknown){};
	if (!waits && clock_ns(CLOCK_MONOTONIC) - d->since_ns > CHOICE_NS)
		return (struct unknown){};
	return d->unknown;
}

enum choice identities_choice(struct identities *i, const struct config *c, pid_t pid)
{
	const struct identity *d;
	enum choice choice;

	if (!i)
		return selection_choice(c, NULL, (struct unknown){});
	pthread_mutex_lock(&i->lock);
	d = map_get(&i->by_pid, pid, 0);
	choice = selection_choice(c, d ? &d->workload : NULL, undecided(i, d));
	pthread_mutex_unlock(&i->lock);
	return choice;
}

enum choice identities_choose(struct identities *i, const struct config *c, pid_t pid)
{
	struct cgroup *cgroup = c->cgroup.count ? calloc(1, sizeof(*cgroup)) : NULL;
	const char *path = NULL;
	bool there;

	if (cgroup && !cgroup_of(pid, cgroup) && cgroup->path[0])
		path = cgroup->path;
	there = selection_has_cgroup(c, path);
	free(cgroup);
	return there ? identities_choice(i, c, pid) : CHOICE_NO;
}

bool identities_ask(struct identities *i, pid_t pid,
		    void (*fn)(void *arg, const struct workload *w), void *arg)
{
	const struct identity *d;

	if (!i)
		return false;
	pthread_mutex_lock(&i->lock);
	d = map_get(&i->by_pid, pid, 0);
	if (d)
		fn(arg, &d->workload);
	pthread_mutex_unlock(&i->lock);
	return d;
}

bool identities_inherits(struct identities *i, pid_t pid)
{
	const struct identity *d;
	bool inherits;

	if (!i)
		return false;
	pthread_mutex_lock(&i->lock);
	d = map_get(&i->by_pid, pid, 0);
	inherits = d && d->inherits;
	pthread_mutex_unlock(&i->lock);
	return inherits;
}

/* ---- by process ---------------------------------------------------------------------------- */

bool identities_unknown(struct identities *i, pid_t pid)
{
	const struct identity *d;
	bool unknown;

	if (!i)
		return false;
	pthread_mutex_lock(&i->lock);
	d = map_get(&i->by_pid, pid, 0);
	unknown = !d || d->stale || (!d->given_up && identity_expects(i, d));
	pthread_mutex_unlock(&i->lock);
	return unknown;
}

void identities_give_up(struct identities *i, pid_t pid)
{
	struct identity *d = calloc(1, sizeof(*d)), *known;

	if (!d)
		return;
	d->told = true; /* and learned_ns 0: any end of the process is later */
	pthread_mutex_lock(&i->lock);
	known = map_get(&i->by_pid, pid, 0);
	if (known) {
		known->stale = false;
		known->given_up = true;
		known->workload.pending = identity_expects(i, known);
		known->told &= !known->workload.pending;
		identity_free(d);
		__atomic_add_fetch(&i->version, 1, __ATOMIC_RELEASE);
	} else {
		put(i, pid, d);
	}
	pthread_mutex_unlock(&i->lock);
}

bool identities_note(struct identities *i, char ret[IDENTITIES_NOTE_MAX])
{
	const char *note = NULL;

	if (!i)
		return false;
	if (i->sources.api && api_note(i->sources.api, ret))
		return true;
	pthread_mutex_lock(&i->lock);
	if (!i->noted)
		note = i->note;
	i->noted |= note != NULL;
	pthread_mutex_unlock(&i->lock);
	if (note)
		snprintf(ret, IDENTITIES_NOTE_MAX, "%s", note);
	return note != NULL;
}

void identities_wait(struct identities *i, unsigned ms)
{
	if (i && i->sources.api)
		api_wait(i->sources.api, ms);
}

void identities_forget(struct identities *i, pid_t pid)
{
	if (!i)
		return;
	pthread_mutex_lock(&i->lock);
	identity_free(map_take(&i->by_pid, pid, 0));
	pthread_mutex_unlock(&i->lock);
}

/* ---- the stream ----------------------------------------------------------------------------- */

/* What was learned of that pid until then is of a process that has ended. */
static void end_before(struct identities *i, uint32_t pid, uint64_t ns)
{
	struct identity *d = map_get(&i->by_pid, pid, 0);

	if (d && d->learned_ns < ns)
		identity_free(map_take(&i->by_pid, pid, 0));
}

/* What is not known of the parent is sought for the child too, since lines of it will not say what
 * is told of the parent later. */
static void seek_as(struct identity *child, const struct identity *parent)
{
	child->workload.container = copy_of(parent->workload.container);
	child->workload.uid = copy_of(parent->workload.uid);
	child->workload.service = copy_of(parent->workload.service);
	child->workload.pending = parent->workload.pending;
	child->says = copy_of(parent->says);
	child->unknown = parent->unknown;
	child->given_up = parent->given_up;
	child->since_ns = parent->since_ns;
	child->pause_ns = AGAIN_NS;
}

/* Lines of the child say the same as those of its parent, until something else is learned. */
static void fork_of(struct identities *i, const struct ft_rec_proc *r)
{
	const struct identity *parent = map_get(&i->by_pid, r->hdr.pid, 0);
	struct identity *child;

	end_before(i, r->other, r->hdr.ts_ns);
	child = map_get(&i->by_pid, r->other, 0);
	if (!parent || (child && !parent->somewhere))
		return;
	if (child) {
		child->told = false;
		return;
	}
	child = calloc(1, sizeof(*child));
	if (!child)
		return;
	child->told = child->inherits = true;
	child->somewhere = parent->somewhere;
	child->learned_ns = r->hdr.ts_ns;
	if (unknown_any(parent->unknown))
		seek_as(child, parent);
	put(i, r->other, child);
}

static void exec_of(struct identities *i, const struct ft_rec *rec)
{
	struct identity *d = map_get(&i->by_pid, rec->pid, 0);

	if (d && d->learned_ns < rec->ts_ns)
		d->stale = true;
}

static void add_name(struct buf *b, const char *name)
{
	size_t len = name ? strlen(name) : 0;
	struct ft_token token = {
		.kind = name ? FT_T_STR : FT_T_NONE, .width = name ? 1 : 0, .len = len};

	buf_add(b, (const char *)&token, sizeof(token));
	buf_add(b, name, len);
	buf_add(b, "\0\0\0\0\0\0\0", -len & 7);
}

static const struct ft_rec *tell(struct identities *i, struct identity *d, const struct ft_rec *rec)
{
	struct ft_rec_workload head = {.hdr = {.type = FT_REC_WORKLOAD,
					       .pid = rec->pid,
					       .tid = rec->pid,
					       .ts_ns = rec->ts_ns}};
	const struct workload *w = &d->workload;
	struct buf *b = &i->record;

	buf_clear(b);
	buf_add(b, (const char *)&head, sizeof(head));
	add_name(b, w->container);
	add_name(b, w->uid);
	add_name(b, w->namespace);
	add_name(b, w->pod);
	add_name(b, w->name);
	add_name(b, w->node);
	add_name(b, w->owner_kind);
	add_name(b, w->owner);
	add_name(b, w->service);
	add_name(b, w->pending ? FT_WORKLOAD_PENDING : NULL);
	if (b->failed)
		return NULL;
	((struct ft_rec *)b->s)->size = b->len;
	d->told = true;
	return (const struct ft_rec *)b->s;
}

static const struct ft_rec *look_up(struct identities *i, const struct ft_rec *rec)
{
	struct identity *d;

	if (rec->type == FT_REC_PROC_FORK && rec->size >= sizeof(struct ft_rec_proc))
		fork_of(i, (const struct ft_rec_proc *)rec);
	if (rec->type == FT_REC_PROC_EXIT)
		end_before(i, rec->pid, rec->ts_ns);
	if (rec->type == FT_REC_PROC_EXEC)
		exec_of(i, rec);
	d = map_get(&i->by_pid, rec->pid, 0);
	return d && !d->told ? tell(i, d, rec) : NULL;
}

const struct ft_rec *identities_before(struct identities *i, const struct ft_rec *rec)
{
	const struct ft_rec *told;
	unsigned version;

	if (!i)
		return NULL;
	version = __atomic_load_n(&i->version, __ATOMIC_ACQUIRE);
	if (rec->pid == i->last_pid && version == i->last_version &&
	    rec->type != FT_REC_PROC_FORK && rec->type != FT_REC_PROC_EXEC &&
	    rec->type != FT_REC_PROC_EXIT)
		return NULL;
	pthread_mutex_lock(&i->lock);
	told = look_up(i, rec);
	pthread_mutex_unlock(&i->lock);
	i->last_pid = rec->pid;
	i->last_version = version;
	return told;
}
