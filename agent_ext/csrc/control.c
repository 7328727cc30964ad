/* SPDX-License-Identifier: MIT */
#include "control.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"

static struct {
	pthread_mutex_t lock; /* all but what is atomic */
	pthread_cond_t wake, flushed;
	bool writing; /* the writer is there */
	bool stop;
	uint64_t flush_wanted, flush_done; /* numbers of flushes */
	int err;			   /* of the writer's first failure */
	struct why why;			   /* what it was */

	_Atomic bool failed;
	_Atomic uint64_t progress;
} control = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.wake = PTHREAD_COND_INITIALIZER,
	.flushed = PTHREAD_COND_INITIALIZER,
};

void control_lock(void)
{
	pthread_mutex_lock(&control.lock);
}

void control_unlock(void)
{
	pthread_mutex_unlock(&control.lock);
}

/* ---- a run ------------------------------------------------------------------------------ */

void control_begin(void)
{
	control.stop = false;
	control.flush_wanted = control.flush_done = 0;
	control.err = 0;
	control.why = (struct why){};
	atomic_store(&control.failed, false);
}

void control_forked(void)
{
	pthread_mutex_init(&control.lock, NULL);
	pthread_cond_init(&control.wake, NULL);
	pthread_cond_init(&control.flushed, NULL);
	control.writing = false;
}

void control_stop(void)
{
	control_lock();
	control.stop = true;
	pthread_cond_signal(&control.wake);
	control_unlock();
}

/* ---- flush ------------------------------------------------------------------------------ */

static struct timespec from_now(uint64_t ns)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ns / NS_PER_SECOND;
	until.tv_nsec += ns % NS_PER_SECOND;
	if (until.tv_nsec >= (long)NS_PER_SECOND) {
		until.tv_nsec -= NS_PER_SECOND;
		until.tv_sec++;
	}
	return until;
}

/* Has the writer done what was asked for by that number, or will it never? With the lock held. */
static bool is_settled(uint64_t number)
{
	return control.flush_done >= number || !control.writing || control_has_failed();
}

/* With the lock held. */
static void wait_for_writer(bool patient)
{
	static uint64_t stuck_at = UINT64_MAX;
	uint64_t number = ++control.flush_wanted, progress = control_progress();

	pthread_cond_signal(&control.wake);
	while (!is_settled(number) && (patient || progress != stuck_at)) {
		struct timespec until = from_now(NS_PER_SECOND);

		if (pthread_cond_timedwait(&control.flushed, &control.lock, &until) != ETIMEDOUT)
			continue;
		if (!patient && control_progress() == progress)
			stuck_at = progress;
		progress = control_progress();
	}
}

void control_flush(bool patient)
{
	control_lock();
	if (control.writing)
		wait_for_writer(patient);
	control_unlock();
}

/* ---- from the threads that record ------------------------------------------------------- */

void control_wake(void)
{
	pthread_cond_signal(&control.wake);
}

uint64_t control_progress(void)
{
	return atomic_load(&control.progress);
}

bool control_has_failed(void)
{
	return atomic_load(&control.failed);
}

/* ---- from the writer -------------------------------------------------------------------- */

struct asked control_wait(uint64_t period_ns)
{
	struct timespec until = from_now(period_ns);
	struct asked asked;

	control_lock();
	if (!control.stop && control.flush_wanted == control.flush_done)
		pthread_cond_timedwait(&control.wake, &control.lock, &until);
	asked = (struct asked){control.stop, control.flush_wanted};
	control_unlock();
	return asked;
}

/* The writer alone changes it. */
bool control_is_flushed(uint64_t number)
{
	return control.flush_done == number;
}

void control_set_flushed(uint64_t number)
{
	control_lock();
	control.flush_done = number;
	pthread_cond_broadcast(&control.flushed);
	control_unlock();
}

/* Who waits for it need not any more. */
void control_set_writing(bool on)
{
	control_lock();
	control.writing = on;
	pthread_cond_broadcast(&control.flushed);
	control_unlock();
}

void control_advance(void)
{
	uint64_t progress = atomic_load_explicit(&control.progress, memory_order_relaxed);

	atomic_store_explicit(&control.progress, progress + 1, memory_order_relaxed);
}

void control_fail(int err, const struct why *w)
{
	control_lock();
	control.err = err;
	control.why = *w;
	if (!control.why.exit_status)
		why(&control.why, -EIO, "the trace could not be written");
	atomic_store(&control.failed, true);
	pthread_cond_broadcast(&control.flushed);
	control_unlock();
}

int control_failure(struct why *w)
{
	if (!control.why.exit_status)
		return 0;
	*w = control.why;
	return control.err;
}
