/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "ft_counters.h"
#include "probes.h"
#include "stacks.h"

#define WAIT_LIMIT_NS NS_PER_SECOND /* for room, while the writer takes nothing out */
#define WAIT_NS (NS_PER_MS / 2)
#define OVERSIZE_BYTES (8u << 20) /* the most that a thread has under way in oversize records */

static __thread struct agent_thread *mine;
static pthread_key_t at_exit;

/* ---- its life --------------------------------------------------------------------------- */

void sender_free(struct agent_thread *t)
{
	channel_release(&t->channel);
	free(t->scratch);
	stacks_forget(t);
	free(t->stack);
	free(t->name);
	free(t);
}

void senders_release(struct engine *e)
{
	while (e->threads) {
		struct agent_thread *t = e->threads;

		e->threads = t->next;
		sender_free(t);
	}
	mine = NULL;
	pthread_setspecific(at_exit, NULL);
}

static void on_thread_exit(void *arg)
{
	struct agent_thread *t = arg;

	mine = NULL;
	atomic_store(&t->gone, true);
}

void senders_init(void)
{
	pthread_key_create(&at_exit, on_thread_exit);
}

static struct agent_thread *thread_new(void)
{
	struct agent_thread *t;

	if (engine.forked)
		engine_continue(&engine);
	t = engine_running() ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	if (channel_init(&t->channel)) {
		free(t);
		return NULL;
	}
	t->pid = engine.pid;
	t->tid = syscall(SYS_gettid);
	pthread_mutex_lock(&engine.lock);
	t->next = engine.threads;
	engine.threads = t;
	pthread_mutex_unlock(&engine.lock);
	pthread_setspecific(at_exit, t);
	mine = t;
	return t;
}

struct agent_thread *engine_thread(void)
{
	struct agent_thread *t;

	if (!engine_running())
		return NULL;
	t = mine ?: thread_new();
	if (t && t->run != engine_run_id()) { /* what is open or lost there is of another run */
		t->run = engine_run_id();
		stacks_forget(t);
		t->named = t->has_losses = false;
		memset(t->losses, 0, sizeof(t->losses));
	}
	return t;
}

/* ---- its records ------------------------------------------------------------------------ */

uint64_t engine_now(struct agent_thread *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now <= t->last_ns)
		now = t->last_ns + 1;
	t->last_ns = now;
	return now;
}

void engine_lost(struct agent_thread *t, uint64_t now, unsigned n, enum loss why)
{
	struct losses *l = &t->losses[why];

	if (!l->count)
		l->first_ns = now;
	l->last_ns = now;
	l->count += n;
	t->has_losses = true;
}

static void wake_writer(void)
{
	pthread_cond_signal(&engine.wake);
}

/* Room for what may be long: built here, it goes into the channel or outside of it. */
static void *reserve_long(struct agent_thread *t)
{
	if (atomic_load(&t->oversize_bytes) + FT_MAX_RECORD_INSIDE > OVERSIZE_BYTES ||
	    !channel_reserve(&t->channel))
		return NULL;
	if (!t->scratch)
		t->scratch = malloc(FT_MAX_RECORD_INSIDE);
	return t->scratch;
}

static void *reserve(struct agent_thread *t)
{
	return engine.long_values ? reserve_long(t) : channel_reserve(&t->channel);
}

/*
 * Gives the writer time, and other threads the GIL. A writer that takes nothing out for a second
 * is not waited for any more, in the whole run.
 */
static void *wait_for_room(struct agent_thread *t)
{
	static unsigned hopeless; /* the run in which it was waited for in vain */
	const struct timespec pause = {0, WAIT_NS};
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + WAIT_LIMIT_NS;
	uint64_t taken = atomic_load(&engine.progress);
	void *room = NULL;

	while (!room && hopeless != engine_run_id() && engine_running() &&
	       !atomic_load(&engine.failed)) {
		wake_writer();
		Py_BEGIN_ALLOW_THREADS
		nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS
		if (t->run != engine_run_id()) /* another began meanwhile */
			return NULL;
		room = reserve(t);
		if (atomic_load(&engine.progress) != taken) {
			taken = atomic_load(&engine.progress);
			until = clock_ns(CLOCK_MONOTONIC) + WAIT_LIMIT_NS;
		}
		if (!room && clock_ns(CLOCK_MONOTONIC) > until)
			hopeless = engine_run_id();
	}
	return room;
}

static bool record_loss(struct agent_thread *t, enum loss why)
{
	static const uint32_t reasons[LOSS_COUNT] = {
		[LOSS_FULL] = FT_LOST_ring_full,      [LOSS_REENTERED] = FT_LOST_reentered,
		[LOSS_STACK_LOW] = FT_LOST_stack_low, [LOSS_NO_MEMORY] = FT_LOST_no_memory,
		[LOSS_DISPLACED] = FT_LOST_displaced,
	};
	struct losses *l = &t->losses[why];
	struct ft_rec_lost *r = channel_reserve(&t->channel);

	if (!r)
		return false;
	*r = (struct ft_rec_lost){
		.hdr = {sizeof(*r), FT_REC_LOST, 0, t->pid, t->tid, l->last_ns},
		.first_ns = l->first_ns,
		.last_ns = l->last_ns,
		.count = l->count,
		.reason = reasons[why],
	};
	*l = (struct losses){};
	if (probes_generation())
		probe_name(&r->hdr);
	channel_commit(&t->channel, &r->hdr);
	return true;
}

/* LOST before the record that fits again. */
void sender_record_losses(struct agent_thread *t)
{
	bool all = true;

	for (int i = 0; i < LOSS_COUNT; i++)
		if (t->losses[i].count)
			all &= record_loss(t, i);
	t->has_losses = !all;
}

void *engine_reserve(struct agent_thread *t)
{
	void *room;

	if (t->has_losses)
		sender_record_losses(t);
	room = reserve(t);
	if (!room && engine.settings->overflow == OVERFLOW_BLOCK)
		room = wait_for_room(t);
	return room;
}

/* What was reserved is there still: nobody else puts anything in. */
static bool commit_oversize(struct agent_thread *t, const struct ft_rec *rec)
{
	struct oversize_note *note = channel_reserve(&t->channel);
	struct oversize *p = note ? oversize_new(rec) : NULL;
	size_t under_way;

	if (!p)
		return false;
	*note = (struct oversize_note){
		.hdr = {sizeof(*note), OVERSIZE_NOTE, 0, rec->pid, rec->tid, rec->ts_ns},
		.record = p,
	};
	pthread_mutex_lock(&engine.lock);
	oversize_add(&engine.oversize, p);
	pthread_mutex_unlock(&engine.lock);
	under_way = atomic_fetch_add(&t->oversize_bytes, rec->size) + rec->size;
	channel_commit(&t->channel, &note->hdr);
	if (under_way > OVERSIZE_BYTES / 2)
		wake_writer();
	return true;
}

static void commit(struct agent_thread *t, const struct ft_rec *rec)
{
	bool before = channel_half_full(&t->channel);

	channel_commit(&t->channel, rec);
	if (!before && channel_half_full(&t->channel))
		wake_writer();
}

static bool commit_long(struct agent_thread *t, const struct ft_rec *rec)
{
	void *room;

	if (rec->size > FT_MAX_RECORD)
		return commit_oversize(t, rec);
	room = channel_reserve(&t->channel);
	if (!room)
		return false;
	commit(t, memcpy(room, rec, rec->size));
	return true;
}

bool engine_commit(struct agent_thread *t, struct ft_rec *rec)
{
	if ((void *)rec == t->scratch)
		return commit_long(t, rec);
	commit(t, rec);
	return true;
}

/* ---- names ------------------------------------------------------------------------------ */

/* Keeps it for tools that come later; in the place of what was at the same address. */
static void keep_announced(struct engine *e, const struct ft_rec *rec, uint64_t address)
{
	struct ft_rec *copy = malloc(rec->size);
	void *old = NULL;

	if (!copy)
		return;
	memcpy(copy, rec, rec->size);
	if (map_put(&e->announced, address, rec->type, copy, &old))
		free(copy);
	free(old);
}

void engine_name(struct ft_rec *rec, uint64_t address)
{
	struct engine *e = &engine;

	pthread_mutex_lock(&e->lock);
	/* Not before what is recorded already, and not after the record that it is for. */
	if (mine && mine->last_ns > e->names_ns)
		e->names_ns = mine->last_ns;
	rec->ts_ns = e->names_ns;
	buf_add(&e->names, (const char *)rec, rec->size);
	keep_announced(e, rec, address);
	if (probes_generation())
		probe_name(rec);
	pthread_mutex_unlock(&e->lock);
}

static bool free_name(void *arg, const struct map_slot *slot)
{
	free(slot->value);
	return true;
}

void names_forget(struct engine *e)
{
	buf_clear(&e->names);
	buf_clear(&e->taken);
	e->taken_at = 0;
	map_sweep(&e->announced, free_name, NULL);
}
