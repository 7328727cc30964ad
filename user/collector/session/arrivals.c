/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "cpython/type_name.h"
#include "node/identities.h"
#include "arrivals.h"
#include "rulebook.h"

#define WAIT_NS (2 * NS_PER_SECOND)
#define WAITING_MAX (64 << 20) /* bytes of records; with more, none waits */

struct arrivals {
	struct targets *targets;
	struct identities *identities; /* borrowed; NULL = not asked for */
	struct rulebook *rulebook;     /* borrowed */
	struct pipeline *pipeline;
	bool wait;
	uint32_t known;	    /* the process of the last record, which needed not wait */
	struct map pids;    /* that wait -> since when */
	struct buf records; /* theirs, in the order in which they came */
};

int arrivals_new(struct targets *t, struct pipeline *p, bool wait, struct arrivals **ret_arrivals,
		 struct why *w)
{
	struct arrivals *s = calloc(1, sizeof(*s));

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	*s = (struct arrivals){
		.targets = t,
		.identities = targets_identities(t),
		.rulebook = targets_rulebook(t),
		.pipeline = p,
		.wait = wait,
	};
	*ret_arrivals = s;
	return 0;
}

void arrivals_free(struct arrivals *s)
{
	if (!s)
		return;
	map_release(&s->pids);
	buf_release(&s->records);
	free(s);
}

static int hand_on(struct arrivals *s, const struct ft_rec *rec)
{
	const struct ft_rec *before = identities_before(s->identities, rec);
	int err = before ? pipeline_record(s->pipeline, before, before->size) : 0;

	return err ?: pipeline_record(s->pipeline, rec, rec->size);
}

/* ---- what waits ----------------------------------------------------------------------------- */

/* Of what came or went. Targets wait for nothing: what a new process runs has to be looked at. */
static void tell_targets(struct arrivals *s, const struct ft_rec *rec)
{
	static const enum event_type types[] = {
		[FT_REC_PROC_EXIT] = EVENT_PROC_EXIT,
		[FT_REC_PROC_FORK] = EVENT_PROC_FORK,
		[FT_REC_PROC_EXEC] = EVENT_PROC_EXEC,
	};
	struct event e = {.pid = rec->pid, .tid = rec->tid, .ts_ns = rec->ts_ns};

	if (rec->type >= sizeof(types) / sizeof(types[0]) || !types[rec->type] ||
	    rec->size < sizeof(struct ft_rec_proc))
		return;
	e.type = types[rec->type];
	e.other_pid = ((const struct ft_rec_proc *)rec)->other;
	targets_process(s->targets, &e);
}

/* Is another identity to be learned after it? */
static bool changes(const struct ft_rec *rec)
{
	return rec->type == FT_REC_PROC_EXIT || rec->type == FT_REC_PROC_EXEC;
}

static bool must_wait(struct arrivals *s, const struct ft_rec *rec)
{
	bool waits;

	if (!s->wait || !rec->pid)
		return false;
	if (rec->pid == s->known && !changes(rec))
		return false;
	waits = (s->pids.count && map_get(&s->pids, rec->pid, 0)) ||
		identities_unknown(s->identities, rec->pid);
	s->known = waits || changes(rec) ? 0 : rec->pid;
	return waits;
}

/* False without memory. */
static bool keep(struct arrivals *s, const struct ft_rec *rec)
{
	uintptr_t now = clock_ns(CLOCK_MONOTONIC);

	if (!map_get(&s->pids, rec->pid, 0) && map_put(&s->pids, rec->pid, 0, (void *)now, NULL))
		return false;
	buf_add(&s->records, (const char *)rec, rec->size);
	if (!s->records.failed)
		return true;
	s->records.failed = false;
	return false;
}

struct release {
	struct identities *identities;
	uint64_t since_ns; /* who waits since then or before does so no longer */
};

/* Does it wait no longer? Of map_sweep(). */
static bool is_over(void *arg, const struct map_slot *slot)
{
	const struct release *r = arg;

	if (!identities_unknown(r->identities, slot->a))
		return true;
	if ((uintptr_t)slot->value > r->since_ns)
		return false;
	identities_give_up(r->identities, slot->a);
	return true;
}

/* Those that still wait stay in order. */
static int release(struct arrivals *s, uint64_t since_ns)
{
	struct release r = {s->identities, since_ns};
	struct buf *b = &s->records;
	size_t kept = 0, waiting = s->pids.count;
	int err = 0;

	map_sweep(&s->pids, is_over, &r);
	if (s->pids.count == waiting)
		return 0;
	for (size_t at = 0, size; at < b->len; at += size) {
		struct ft_rec *rec = (struct ft_rec *)(b->s + at);

		size = rec->size;
		if (!err && !map_get(&s->pids, rec->pid, 0)) {
			err = hand_on(s, rec);
			continue;
		}
		memmove(b->s + kept, rec, size);
		kept += size;
	}
	b->len = kept;
	return err;
}

int arrivals_tick(struct arrivals *s)
{
	return s->records.len ? release(s, clock_ns(CLOCK_MONOTONIC) - WAIT_NS) : 0;
}

int arrivals_finish(struct arrivals *s)
{
	return s->records.len ? release(s, UINT64_MAX) : 0;
}

/* Before a function that was accepted by one. */
static int tell_policies(struct arrivals *s)
{
	const struct ft_rec *rec;
	int err = 0;

	while (!err && (rec = rulebook_untold(s->rulebook)))
		err = pipeline_record(s->pipeline, rec, rec->size);
	return err;
}

int arrivals_record(void *arrivals, const struct ft_rec *rec, size_t size)
{
	struct arrivals *s = arrivals;
	struct named_type n;
	int err = tell_policies(s);

	if (err)
		return err;
	rec = type_name_fill(&n, rec);
	tell_targets(s, rec);
	if (must_wait(s, rec) && keep(s, rec))
		return s->records.len > WAITING_MAX ? arrivals_finish(s) : 0;
	err = s->pids.count && map_get(&s->pids, rec->pid, 0) ? arrivals_finish(s) : 0;
	return err ?: hand_on(s, rec);
}
