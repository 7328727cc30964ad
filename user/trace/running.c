/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/running.h"

/* In struct trace_call.error: where it stands on its thread's stack, from 1, and flags. */
#define WAS_SUSPENDED 1u
#define ON_PATH 2u
#define PLACE_SHIFT 2

static size_t place_of(const struct trace_call *call)
{
	return call->error >> PLACE_SHIFT;
}

static void set_place(struct trace_call *call, size_t place)
{
	call->error = (call->error & ((1u << PLACE_SHIFT) - 1)) | (uint64_t)place << PLACE_SHIFT;
}

bool running_was_suspended(const struct trace_call *call)
{
	return call->error & WAS_SUSPENDED;
}

void running_release(struct running *r)
{
	for (size_t i = 0; i < r->threads.size; i++) {
		struct running_thread *t = r->threads.slot[i].value;

		if (!t)
			continue;
		free(t->stack);
		free(t->name);
		free(t);
	}
	map_release(&r->threads);
	free(r->path);
	trace_calls_release(&r->calls);
	trace_functions_release(&r->functions);
}

static struct running_thread *find_thread(struct running *r, uint32_t pid, uint32_t tid)
{
	return map_get(&r->threads, map_key(pid, tid), 0);
}

static struct running_thread *add_thread(struct running *r, const struct trace_event *e)
{
	struct running_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->pid = e->pid;
	t->tid = e->tid;
	t->first_us = t->now_us = e->timestamp_us;
	if (map_put(&r->threads, map_key(e->pid, e->tid), 0, t, NULL)) {
		free(t);
		return NULL;
	}
	return t;
}

static bool take_name(struct running_thread *t, const struct trace_event *e)
{
	struct buf b = {0};

	t->new_name = false;
	if (t->name && (!e->thread.s || trace_text_is(&e->thread, t->name, strlen(t->name))))
		return true;
	if (e->thread.s)
		trace_text_put(&b, &e->thread);
	free(t->name);
	t->name = buf_dup(&b);
	t->new_name = true;
	buf_release(&b);
	return t->name != NULL;
}

struct running_thread *running_thread_of(struct running *r, const struct trace_event *e)
{
	struct running_thread *t = find_thread(r, e->pid, e->tid);

	if (!t)
		t = add_thread(r, e);
	return t && take_name(t, e) ? t : NULL;
}

static int tell(struct running *r, enum running_step step, struct running_thread *t,
		struct trace_call *call, const struct trace_event *e)
{
	return r->follow(r->arg, &(struct running_at){step, t, call, e});
}

static int push(struct running *r, struct running_thread *t, struct trace_call *call,
		enum running_step step, const struct trace_event *e)
{
	if (t->depth == t->room) {
		size_t room = t->room ? t->room * 2 : 16;
		struct trace_call **more = realloc(t->stack, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		t->stack = more;
		t->room = room;
	}
	t->stack[t->depth++] = call;
	set_place(call, t->depth);
	return tell(r, step, t, call, e);
}

static int pop(struct running *r, struct running_thread *t, enum running_step step,
	       const struct trace_event *e)
{
	struct trace_call *call = t->stack[--t->depth];

	set_place(call, 0);
	if (step == RUNNING_SUSPEND)
		call->error |= WAS_SUSPENDED;
	return tell(r, step, t, call, e);
}

static int suspend_above(struct running *r, struct running_thread *t, size_t depth,
			 const struct trace_event *e)
{
	int err = 0;

	while (t->depth > depth && !err)
		err = pop(r, t, RUNNING_SUSPEND, e);
	return err;
}

static bool keep_on_path(struct running *r, size_t n, struct trace_call *call)
{
	if (n == r->path_room) {
		size_t room = r->path_room ? r->path_room * 2 : 64;
		struct trace_call **more = realloc(r->path, room * sizeof(*more));

		if (!more)
			return false;
		r->path = more;
		r->path_room = room;
	}
	r->path[n] = call;
	call->error |= ON_PATH;
	return true;
}

/* From `call` to the nearest of its parents that is on the stack, leaving out that one. ON_PATH
 * stops at calls that a hostile trace has made their own ancestors. */
static int find_path(struct running *r, struct running_thread *t, struct trace_call *call,
		     size_t *ret_len, size_t *ret_place)
{
	size_t n = 0;

	while (call && !place_of(call) && !(call->error & ON_PATH) && call->pid == t->pid &&
	       call->tid == t->tid) {
		if (!keep_on_path(r, n, call))
			return -ENOMEM;
		n++;
		call = trace_calls_find(&r->calls, call->parent);
	}
	for (size_t i = 0; i < n; i++)
		r->path[i]->error &= ~(uint64_t)ON_PATH;
	*ret_len = n;
	*ret_place = call && call->pid == t->pid && call->tid == t->tid ? place_of(call) : 0;
	return 0;
}

/* Makes `call` (NULL: nothing) what runs on the thread. */
static int show(struct running *r, struct running_thread *t, struct trace_call *call,
		const struct trace_event *e)
{
	size_t len, place;
	int err = find_path(r, t, call, &len, &place);

	if (!err)
		err = suspend_above(r, t, place, e);
	while (len && !err)
		err = push(r, t, r->path[--len], RUNNING_RESUME, e);
	return err;
}

static int add_enter(struct running *r, const struct trace_event *e)
{
	struct running_thread *t = find_thread(r, e->pid, e->tid);
	struct trace_call *call;
	int err;

	if (!e->span || trace_calls_find(&r->calls, e->span))
		return 0;
	err = show(r, t, trace_calls_find(&r->calls, e->parent), e);
	if (err)
		return err;
	call = trace_calls_begin(&r->calls, &r->functions, e);
	return call ? push(r, t, call, RUNNING_BEGIN, e) : -ENOMEM;
}

static int end_call(struct running *r, struct trace_call *call, const struct trace_event *e)
{
	/* A generator may end on another thread than that it began on. */
	struct running_thread *t = find_thread(r, call->pid, call->tid);
	int err;

	if (e->timestamp_us > t->now_us)
		t->now_us = e->timestamp_us;
	if (place_of(call)) {
		err = suspend_above(r, t, place_of(call), e);
		return err ? err : pop(r, t, RUNNING_END, e);
	}
	call->error |= ON_PATH; /* it may be its own ancestor, and must not come back */
	err = show(r, t, trace_calls_find(&r->calls, call->parent), e);
	return err ? err : tell(r, RUNNING_GONE, t, call, e);
}

static int add_exit(struct running *r, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&r->calls, e->span);
	int err;

	if (!call) {
		r->unopened++;
		return 0;
	}
	err = end_call(r, call, e);
	trace_calls_close(&r->calls, call);
	return err;
}

int running_add(struct running *r, const struct trace_event *e)
{
	struct running_thread *t;
	struct trace_call *call;

	if (e->kind != TRACE_ENTER && e->kind != TRACE_EXIT && e->kind != TRACE_EXCEPTION)
		return 0;
	t = running_thread_of(r, e);
	if (!t)
		return -ENOMEM;
	if (e->timestamp_us > t->now_us)
		t->now_us = e->timestamp_us;
	if (e->kind == TRACE_ENTER)
		return add_enter(r, e);
	if (e->kind == TRACE_EXIT)
		return add_exit(r, e);
	call = trace_calls_find(&r->calls, e->span);
	if (call)
		call->raised = true;
	return 0;
}

struct ending {
	struct running *r;
	int err;
};

static void end_suspended(void *arg, struct trace_call *call)
{
	struct ending *ending = arg;
	struct running_thread *t = find_thread(ending->r, call->pid, call->tid);

	ending->r->unfinished++;
	if (!ending->err)
		ending->err = tell(ending->r, RUNNING_GONE, t, call, NULL);
}

int running_finish(struct running *r)
{
	struct ending ending = {.r = r};

	for (size_t i = 0; i < r->threads.size && !ending.err; i++) {
		struct running_thread *t = r->threads.slot[i].value;

		while (t && t->depth && !ending.err) {
			struct trace_call *call = t->stack[t->depth - 1];

			r->unfinished++;
			ending.err = pop(r, t, RUNNING_END, NULL);
			trace_calls_close(&r->calls, call);
		}
	}
	if (!ending.err)
		trace_calls_each(&r->calls, end_suspended, &ending);
	return ending.err;
}
