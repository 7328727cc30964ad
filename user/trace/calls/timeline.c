/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "calls/timeline.h"

void timeline_release(struct timeline *r)
{
	stacks_release(&r->stacks);
	trace_calls_release(&r->calls);
	trace_functions_release(&r->functions);
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

struct running_thread *timeline_thread_of(struct timeline *r, const struct trace_event *e)
{
	struct running_thread *t = stacks_thread(&r->stacks, e);

	return t && take_name(t, e) ? t : NULL;
}

static int add_enter(struct timeline *r, const struct trace_event *e)
{
	struct trace_call *call;

	if (!e->span || trace_calls_find(&r->calls, e->span))
		return 0;
	call = trace_calls_begin(&r->calls, &r->functions, e);
	return call ? stacks_begin(&r->stacks, &r->calls, call, e) : -ENOMEM;
}

static int add_exit(struct timeline *r, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&r->calls, e->span);
	int err;

	if (!call) {
		r->unopened++;
		return 0;
	}
	err = stacks_end(&r->stacks, &r->calls, call, e);
	trace_calls_close(&r->calls, call);
	return err;
}

int timeline_add(struct timeline *r, const struct trace_event *e)
{
	struct running_thread *t;
	struct trace_call *call;

	if (e->kind != TRACE_ENTER && e->kind != TRACE_EXIT && e->kind != TRACE_EXCEPTION)
		return 0;
	t = timeline_thread_of(r, e);
	if (!t)
		return -ENOMEM;
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
	struct timeline *r;
	int err;
};

static void end_running(void *arg, struct trace_call *call)
{
	struct ending *ending = arg;

	ending->r->unfinished++;
	trace_calls_close(&ending->r->calls, call);
}

static void end_suspended(void *arg, struct trace_call *call)
{
	struct ending *ending = arg;
	struct timeline *r = ending->r;
	struct running_thread *t = map_get(&r->stacks.threads, map_key(call->pid, call->tid), 0);
	struct running_at at = {RUNNING_GONE, t->now_us, t, call, NULL};

	r->unfinished++;
	if (!ending->err)
		ending->err = r->stacks.follow(r->stacks.arg, &at);
}

int timeline_finish(struct timeline *r)
{
	struct ending ending = {.r = r};

	ending.err = stacks_finish(&r->stacks, end_running, &ending);
	if (!ending.err)
		trace_calls_each(&r->calls, end_suspended, &ending);
	return ending.err;
}
