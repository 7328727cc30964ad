/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assemble/spans.h"

static void span_release(struct open_span *s)
{
	free(s->raise);
	free(s->args);
	request_put(s->request);
}

static void thread_free(struct thread_spans *t)
{
	for (size_t i = 0; i < t->count; i++)
		span_release(&t->stack[i]);
	free(t->stack);
	free(t);
}

static void span_free(struct open_span *s)
{
	if (s)
		span_release(s);
	free(s);
}

static void no_fn(void *arg, uint32_t pid, uint32_t tid, const struct open_span *s)
{
}

void spans_release(struct spans *s)
{
	spans_drop_all(s, no_fn, NULL);
	map_release(&s->threads);
	map_release(&s->generators);
}

/* ---- finding ------------------------------------------------------------------ */

struct thread_spans *spans_find_thread(struct spans *s, uint32_t pid, uint32_t tid)
{
	struct thread_spans *t = s->last;

	if (t && t->tid == tid && t->pid == pid)
		return t;
	t = map_get(&s->threads, map_key(pid, tid), 0);
	if (t)
		s->last = t;
	return t;
}

struct thread_spans *spans_get_thread(struct spans *s, uint32_t pid, uint32_t tid)
{
	struct thread_spans *t = spans_find_thread(s, pid, tid);

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->pid = pid;
	t->tid = tid;
	if (map_put(&s->threads, map_key(pid, tid), 0, t, NULL)) {
		free(t);
		return NULL;
	}
	s->last = t;
	return t;
}

/* The first index whose start is not before start_ns. */
static size_t lower_bound(const struct thread_spans *t, uint64_t start_ns)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (t->stack[mid].start_ns < start_ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

long spans_index(const struct thread_spans *t, uint64_t start_ns)
{
	size_t i = t->count;

	if (i && t->stack[i - 1].start_ns == start_ns)
		return i - 1;
	i = lower_bound(t, start_ns);
	return i < t->count && t->stack[i].start_ns == start_ns ? (long)i : -1;
}

struct open_span *spans_find(struct spans *s, uint32_t pid, struct span_id id)
{
	struct thread_spans *t = spans_find_thread(s, pid, id.tid);
	long i = t ? spans_index(t, id.start_ns) : -1;

	if (i >= 0)
		return &t->stack[i];
	return map_get(&s->generators, map_key(pid, id.tid), id.start_ns);
}

bool spans_inside(struct spans *s, uint32_t pid, const struct open_span *span, struct span_id outer)
{
	/* A parent begins before its child, so the walk ends. */
	while (span && span->parent_id.start_ns < span->start_ns) {
		if (span->parent_id.start_ns == outer.start_ns && span->parent_id.tid == outer.tid)
			return true;
		if (span->parent_id.start_ns < outer.start_ns)
			return false;
		span = spans_find(s, pid, span->parent_id);
	}
	return false;
}

/* ---- adding and removing ------------------------------------------------------ */

static int add_generator(struct spans *s, uint32_t pid, struct span_id id,
			 const struct open_span *span)
{
	struct open_span *copy;

	if (map_get(&s->generators, map_key(pid, id.tid), id.start_ns))
		return -EEXIST;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *span;
	if (map_put(&s->generators, map_key(pid, id.tid), id.start_ns, copy, NULL)) {
		free(copy);
		return -ENOMEM;
	}
	return 0;
}

static int stack_grow(struct thread_spans *t)
{
	size_t cap = t->cap ? t->cap * 2 : 32;
	struct open_span *stack = realloc(t->stack, cap * sizeof(*stack));

	if (!stack)
		return -ENOMEM;
	t->stack = stack;
	t->cap = cap;
	return 0;
}

int spans_add(struct spans *s, uint32_t pid, struct span_id id, const struct open_span *span)
{
	struct thread_spans *t;
	size_t i;

	if (span->function->generator)
		return add_generator(s, pid, id, span);
	t = spans_get_thread(s, pid, id.tid);
	if (!t || (t->count == t->cap && stack_grow(t)))
		return -ENOMEM;
	i = t->count;
	if (i && t->stack[i - 1].start_ns >= id.start_ns) {
		i = lower_bound(t, id.start_ns);
		if (t->stack[i].start_ns == id.start_ns)
			return -EEXIST;
		memmove(&t->stack[i + 1], &t->stack[i], (t->count - i) * sizeof(*span));
	}
	t->stack[i] = *span;
	t->count++;
	return 0;
}

void spans_compact(struct thread_spans *t, size_t from)
{
	size_t to = from;

	for (size_t i = from; i < t->count; i++) {
		if (t->stack[i].function)
			t->stack[to++] = t->stack[i];
		else
			span_release(&t->stack[i]);
	}
	t->count = to;
}

void spans_remove_generator(struct spans *s, uint32_t pid, struct span_id id)
{
	span_free(map_take(&s->generators, map_key(pid, id.tid), id.start_ns));
}

/* ---- dropping ----------------------------------------------------------------- */

struct drop {
	uint32_t pid;
	bool all;
	span_fn fn;
	void *arg;
};

static bool is_dropped(const struct drop *d, const struct map_slot *slot)
{
	return d->all || slot->a >> 32 == d->pid;
}

static bool drop_thread(void *arg, const struct map_slot *slot)
{
	const struct drop *d = arg;
	struct thread_spans *t = slot->value;

	if (!is_dropped(d, slot))
		return false;
	for (size_t i = t->count; i-- > 0;)
		d->fn(d->arg, t->pid, t->tid, &t->stack[i]);
	thread_free(t);
	return true;
}

static bool drop_generator(void *arg, const struct map_slot *slot)
{
	const struct drop *d = arg;

	if (!is_dropped(d, slot))
		return false;
	d->fn(d->arg, slot->a >> 32, (uint32_t)slot->a, slot->value);
	span_free(slot->value);
	return true;
}

static void drop(struct spans *s, struct drop *d)
{
	s->last = NULL;
	map_sweep(&s->threads, drop_thread, d);
	map_sweep(&s->generators, drop_generator, d);
}

void spans_drop_thread(struct spans *s, uint32_t pid, uint32_t tid, span_fn fn, void *arg)
{
	struct thread_spans *t = map_take(&s->threads, map_key(pid, tid), 0);

	s->last = NULL;
	for (size_t i = t ? t->count : 0; i-- > 0;)
		fn(arg, pid, tid, &t->stack[i]);
	if (t)
		thread_free(t);
}

void spans_drop_process(struct spans *s, uint32_t pid, span_fn fn, void *arg)
{
	drop(s, &(struct drop){.pid = pid, .fn = fn, .arg = arg});
}

void spans_drop_all(struct spans *s, span_fn fn, void *arg)
{
	drop(s, &(struct drop){.all = true, .fn = fn, .arg = arg});
}
