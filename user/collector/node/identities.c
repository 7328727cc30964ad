/* SPDX-License-Identifier: MIT */
/*
 * The lock protects the map and what it holds. The reader of the ring takes it when the process of
 * a record is another than that of the record before, or something was learned in between.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "model/workload.h"
#include "node/cgroup.h"
#include "node/identities.h"
#include "node/names.h"
#include "node/selection.h"

#define IDENTITIES_MAX 65536 /* twice the most that are traced at once */

struct identity {
	struct workload workload;
	uint64_t learned_ns;
	bool told;	/* there is nothing to tell of it any more */
	bool stale;	/* learned of the program before an exec, which may be elsewhere */
	bool somewhere; /* lines say that it is in a container */
	bool inherits;	/* it is where its parent is; the workload is empty */
};

struct identities {
	pthread_mutex_t lock;
	struct map by_pid; /* -> struct identity, owned */
	unsigned version;  /* counts what was learned */
	struct buf record; /* the last that was told */
	struct names names;
	const char *note; /* static; NULL = none, or said */
	bool noted;
	/* of the last record that was looked at: */
	uint32_t last_pid;
	unsigned last_version;
};

/* ---- by process --------------------------------------------------------------------------- */

static void identity_free(struct identity *d)
{
	if (!d)
		return;
	workload_release(&d->workload);
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

int identities_new(const char *metadata, const char *logs, struct identities **ret_identities,
		   struct why *w)
{
	bool env = !strcmp(metadata, "env");
	struct identities *i;

	*ret_identities = NULL;
	if (!strcmp(metadata, "none"))
		return 0;
	i = calloc(1, sizeof(*i));
	if (!i)
		return why(w, -ENOMEM, "out of memory");
	pthread_mutex_init(&i->lock, NULL);
	if (names_init(&i->names, env ? NULL : logs, env)) {
		identities_free(i);
		return why(w, -ENOMEM, "out of memory");
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
	names_release(&i->names);
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

static char *copy(const char *s)
{
	return s[0] ? strdup(s) : NULL;
}

/* NULL: it is gone, or there is no memory. */
static struct identity *find_out(const struct identities *i, pid_t pid, int *ret_err)
{
	struct identity *d = calloc(1, sizeof(*d));
	struct cgroup *c = calloc(1, sizeof(*c));

	if (!d || !c || cgroup_of(pid, c)) {
		free(c);
		free(d);
		return NULL;
	}
	d->workload.container = copy(c->container);
	d->workload.uid = copy(c->pod);
	*ret_err = names_find(&i->names, &d->workload);
	d->somewhere = d->workload.container || d->workload.uid || d->workload.pod;
	free(c);
	return d;
}

/* Called with the lock. */
static void take_note(struct identities *i, int err)
{
	if (!err || i->note)
		return;
	if (!i->names.logs)
		i->note = "names of pods are not known: set K8S_POD_NAME and K8S_NAMESPACE_NAME "
			  "(--metadata env)";
	else if (err == -EACCES || err == -EPERM)
		i->note = "names of pods are not known: /var/log/pods may not be read "
			  "(--metadata logs)";
	else if (err == -ENOTDIR)
		i->note = "names of pods are not known: there is no /var/log/pods or "
			  "/var/log/containers here (--metadata logs)";
}

void identities_learn(struct identities *i, pid_t pid)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC); /* before it is found to be alive */
	int err = 0;
	struct identity *d = i ? find_out(i, pid, &err) : NULL;
	const struct identity *before;

	if (!d)
		return;
	d->learned_ns = now;
	pthread_mutex_lock(&i->lock);
	before = map_get(&i->by_pid, pid, 0);
	d->told = !d->somewhere && !(before && before->somewhere);
	put(i, pid, d);
	take_note(i, err);
	pthread_mutex_unlock(&i->lock);
}

bool identities_chosen(struct identities *i, const struct config *c, pid_t pid)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	const struct identity *d = NULL;
	const char *path = NULL;
	bool chosen;

	if (cgroup && !cgroup_of(pid, cgroup) && cgroup->path[0])
		path = cgroup->path;
	if (i) {
		pthread_mutex_lock(&i->lock);
		d = map_get(&i->by_pid, pid, 0);
	}
	chosen = selection_matches(c, d ? &d->workload : NULL, path);
	if (i)
		pthread_mutex_unlock(&i->lock);
	free(cgroup);
	return chosen;
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

bool identities_unknown(struct identities *i, pid_t pid)
{
	const struct identity *d;
	bool unknown;

	if (!i)
		return false;
	pthread_mutex_lock(&i->lock);
	d = map_get(&i->by_pid, pid, 0);
	unknown = !d || d->stale;
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
		identity_free(d);
	} else {
		put(i, pid, d);
	}
	pthread_mutex_unlock(&i->lock);
}

const char *identities_note(struct identities *i)
{
	const char *note = NULL;

	if (!i)
		return NULL;
	pthread_mutex_lock(&i->lock);
	if (!i->noted)
		note = i->note;
	i->noted |= note != NULL;
	pthread_mutex_unlock(&i->lock);
	return note;
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
