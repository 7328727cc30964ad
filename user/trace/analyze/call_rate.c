/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/call_rate.h"

void call_rate_release(struct call_rate *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->thread[i]->name);
		free(a->thread[i]);
	}
	free(a->thread);
	map_release(&a->index);
	map_release(&a->seen);
}

static struct call_rate_thread *add_thread(struct call_rate *a, uint32_t pid, uint32_t tid)
{
	struct call_rate_thread *t;

	if (!a->thread)
		a->thread = calloc(CALL_RATE_THREADS + 1, sizeof(struct call_rate_thread *));
	t = a->thread ? calloc(1, sizeof(*t)) : NULL;
	if (!t || map_put(&a->index, map_key(pid, tid), 0, t, NULL)) {
		free(t);
		return NULL;
	}
	t->pid = pid;
	t->tid = tid;
	a->thread[a->count++] = t;
	return t;
}

static struct call_rate_thread *thread_of(struct call_rate *a, const struct trace_event *e)
{
	struct call_rate_thread *t = map_get(&a->index, map_key(e->pid, e->tid), 0);

	if (t)
		return t;
	if (a->count < CALL_RATE_THREADS)
		return add_thread(a, e->pid, e->tid);
	t = map_get(&a->index, 0, 0);
	return t ? t : add_thread(a, 0, 0);
}

static int see(struct call_rate *a, uint64_t key, uint64_t kind, uint64_t *count)
{
	if (map_get(&a->seen, key, kind))
		return 0;
	++*count;
	return map_put(&a->seen, key, kind, a, NULL);
}

static int take_name(struct call_rate_thread *t, const struct trace_event *e)
{
	struct buf b = {0};

	if (!e->thread.s || (t->name && trace_text_is(&e->thread, t->name, strlen(t->name))))
		return 0;
	trace_text_put(&b, &e->thread);
	free(t->name);
	t->name = buf_dup(&b);
	buf_release(&b);
	return t->name ? 0 : -ENOMEM;
}

static void widen(struct call_rate *a)
{
	for (size_t i = 0; i < a->count; i++) {
		uint32_t *bucket = a->thread[i]->bucket;

		for (size_t n = 0; n < CALL_RATE_BUCKETS / 2; n++)
			bucket[n] = bucket[2 * n] + bucket[2 * n + 1];
		memset(bucket + CALL_RATE_BUCKETS / 2, 0, sizeof(*bucket) * CALL_RATE_BUCKETS / 2);
	}
	a->width_us *= 2;
}

static size_t bucket_of(struct call_rate *a, uint64_t us)
{
	if (!a->width_us) {
		a->start_us = us;
		a->width_us = 1;
	}
	if (us < a->start_us) /* of another thread, a little earlier */
		return 0;
	while ((us - a->start_us) / a->width_us >= CALL_RATE_BUCKETS)
		widen(a);
	return (us - a->start_us) / a->width_us;
}

int call_rate_add(struct call_rate *a, const struct trace_event *e)
{
	struct call_rate_thread *t;
	size_t bucket;

	if (e->kind == TRACE_OTHER || trace_is_note(e->kind))
		return 0;
	bucket = bucket_of(a, e->timestamp_us);
	if (see(a, e->pid, 1, &a->processes) || see(a, map_key(e->pid, e->tid), 0, &a->threads))
		return -ENOMEM;
	t = thread_of(a, e);
	if (!t || take_name(t, e))
		return -ENOMEM;
	if (e->kind == TRACE_ENTER) {
		t->calls++;
		t->bucket[bucket]++;
	}
	return 0;
}
