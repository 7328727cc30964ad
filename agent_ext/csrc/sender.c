/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "announced.h"
#include "base/clock.h"
#include "control.h"
#include "ft_counters.h"
#include "oversize.h"
#include "probes.h"
#include "state.h"

#define WAIT_LIMIT_NS NS_PER_SECOND /* for room, while the writer takes nothing out */
#define WAIT_NS (NS_PER_MS / 2)
#define OVERSIZE_BYTES (8u << 20) /* the most that a thread has under way in oversize records */

static struct {
	pthread_mutex_t lock; /* both lists */
	struct agent_thread *threads;
	struct oversize *oversize;
	void (*before_new)(void);
	pthread_key_t at_exit;
} senders = {.lock = PTHREAD_MUTEX_INITIALIZER};

static __thread struct agent_thread *mine;

/* ---- its life --------------------------------------------------------------------------- */

void sender_free(struct agent_thread *t)
{
	channel_release(&t->channel);
	free(t->scratch);
	call_stack_release(&t->calls);
	free(t->name);
	free(t);
}

static void on_thread_exit(void *arg)
{
	struct agent_thread *t = arg;

	mine = NULL;
	atomic_store(&t->gone, true);
}

static struct agent_thread *thread_new(void)
{
	struct agent_thread *t;

	senders.before_new();
	t = engine_running() ? calloc(1, sizeof(*t)) : NULL;
	if (!t)
		return NULL;
	if (channel_init(&t->channel)) {
		free(t);
		return NULL;
	}
	t->pid = engine_pid();
	t->tid = syscall(SYS_gettid);
	senders_lock();
	t->next = senders.threads;
	senders.threads = t;
	senders_unlock();
	pthread_setspecific(senders.at_exit, t);
	mine = t;
	return t;
}

/* What is open or lost there is of another run. */
static void begin_run(struct agent_thread *t)
{
	t->run = engine_run_id();
	t->long_values = engine_has_long_values();
	call_stack_clear(&t->calls);
	t->named = t->has_losses = false;
	memset(t->losses, 0, sizeof(t->losses));
}

struct agent_thread *sender_current(void)
{
	struct agent_thread *t;

	if (!engine_running())
		return NULL;
	t = mine ?: thread_new();
	if (t && t->run != engine_run_id())
		begin_run(t);
	return t;
}

/* ---- its records ------------------------------------------------------------------------ */

uint64_t sender_now(struct agent_thread *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (now <= t->last_ns)
		now = t->last_ns + 1;
	t->last_ns = now;
	return now;
}

void sender_lost(struct agent_thread *t, uint64_t now, unsigned n, enum loss why)
{
	struct losses *l = &t->losses[why];

	if (!l->count)
		l->first_ns = now;
	l->last_ns = now;
	l->count += n;
	t->has_losses = true;
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
	return t->long_values ? reserve_long(t) : channel_reserve(&t->channel);
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
	uint64_t taken = control_progress();
	void *room = NULL;

	while (!room && hopeless != engine_run_id() && engine_running() && !control_has_failed()) {
		control_wake();
		Py_BEGIN_ALLOW_THREADS
		nanosleep(&pause, NULL);
		Py_END_ALLOW_THREADS
		if (t->run != engine_run_id()) /* another began meanwhile */
			return NULL;
		room = reserve(t);
		if (control_progress() != taken) {
			taken = control_progress();
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

void *sender_reserve(struct agent_thread *t)
{
	void *room;

	if (t->has_losses)
		sender_record_losses(t);
	room = reserve(t);
	if (!room && engine_blocks())
		room = wait_for_room(t);
	return room;
}

/* What was reserved is still there: only this thread puts records in. */
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
	senders_lock();
	oversize_add(&senders.oversize, p);
	senders_unlock();
	under_way = atomic_fetch_add(&t->oversize_bytes, rec->size) + rec->size;
	channel_commit(&t->channel, &note->hdr);
	if (under_way > OVERSIZE_BYTES / 2)
		control_wake();
	return true;
}

static void commit(struct agent_thread *t, const struct ft_rec *rec)
{
	bool before = channel_half_full(&t->channel);

	channel_commit(&t->channel, rec);
	if (!before && channel_half_full(&t->channel))
		control_wake();
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

bool sender_commit(struct agent_thread *t, struct ft_rec *rec)
{
	if ((void *)rec == t->scratch)
		return commit_long(t, rec);
	commit(t, rec);
	return true;
}

void sender_announce(struct ft_rec *rec, uint64_t address)
{
	/* Not before what is recorded already, and not after the record that it is for. */
	announce(rec, address, mine ? mine->last_ns : 0);
}

/* ---- all threads ------------------------------------------------------------------------ */

void senders_lock(void)
{
	pthread_mutex_lock(&senders.lock);
}

void senders_unlock(void)
{
	pthread_mutex_unlock(&senders.lock);
}

void senders_init(void (*before_new)(void))
{
	senders.before_new = before_new;
	pthread_key_create(&senders.at_exit, on_thread_exit);
}

void senders_free_oversize(void)
{
	senders_lock();
	oversize_release_all(&senders.oversize);
	senders_unlock();
}

void senders_discard(void)
{
	for (struct agent_thread *t = senders.threads; t; t = t->next) {
		atomic_store(&t->channel.tail, channel_head(&t->channel));
		atomic_store(&t->oversize_bytes, 0);
	}
	senders_free_oversize();
}

void senders_record_losses(void)
{
	for (struct agent_thread *t = senders.threads; t; t = t->next)
		if (t->run == engine_run_id() && t->has_losses)
			sender_record_losses(t);
}

void senders_forked(void)
{
	pthread_mutex_init(&senders.lock, NULL);
	while (senders.threads) {
		struct agent_thread *t = senders.threads;

		senders.threads = t->next;
		sender_free(t);
	}
	oversize_release_all(&senders.oversize);
	mine = NULL;
	pthread_setspecific(senders.at_exit, NULL);
}

/* ---- for the writer --------------------------------------------------------------------- */

size_t senders_list(struct sender_source *ret_source, size_t max)
{
	size_t n = 0;

	senders_lock();
	for (struct agent_thread *t = senders.threads; t && n < max; t = t->next)
		ret_source[n++] = (struct sender_source){t, channel_head(&t->channel), NULL};
	senders_unlock();
	return n;
}

void sender_free_oversize(struct agent_thread *t, const struct ft_rec *note)
{
	struct oversize *o = ((const struct oversize_note *)note)->record;

	atomic_fetch_sub(&t->oversize_bytes, o->rec.size);
	senders_lock();
	oversize_free(o);
	senders_unlock();
}

static bool is_over(const struct agent_thread *t)
{
	return atomic_load(&t->gone) && channel_head(&t->channel) == t->channel.tail;
}

struct agent_thread *senders_take_gone(void)
{
	struct agent_thread **at = &senders.threads, *t;

	senders_lock();
	while (*at && !is_over(*at))
		at = &(*at)->next;
	t = *at;
	if (t)
		*at = t->next;
	senders_unlock();
	return t;
}
