/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "calls/durations.h"
#include "calls/stacks.h"

/* In struct trace_call.stack_flags. */
#define WAS_SUSPENDED 1u
#define ON_PATH 2u
#define LOOSE 4u /* its durations do not nest: it or a call that it made was suspended */

#define RUN_SHIFT 32   /* span numbers: random bits of the run over this many counted ones */
#define SWEEP_MIN 1024 /* threads */

bool stacks_was_suspended(const struct trace_call *call)
{
	return call->stack_flags & WAS_SUSPENDED;
}

/* ---- threads ----------------------------------------------------------------------------- */

static void free_thread(struct running_thread *t)
{
	free(t->stack);
	free(t->name);
	free(t);
}

void stacks_release(struct stacks *s)
{
	for (size_t i = 0; i < s->threads.size; i++)
		if (s->threads.slot[i].value)
			free_thread(s->threads.slot[i].value);
	map_release(&s->threads);
	free(s->path);
	s->path = NULL;
	s->path_room = 0;
	s->last = NULL;
}

static bool take_idle(void *arg, const struct map_slot *slot)
{
	struct running_thread *t = slot->value;

	if (t->depth)
		return false;
	free_thread(t);
	return true;
}

void stacks_sweep(struct stacks *s)
{
	s->last = NULL;
	map_sweep(&s->threads, take_idle, NULL);
}

static struct running_thread *find_thread(struct stacks *s, uint32_t pid, uint32_t tid,
					  uint64_t run)
{
	if (!s->last || s->last->pid != pid || s->last->tid != tid || s->last->run != run)
		s->last = map_get(&s->threads, map_key(pid, tid), run);
	return s->last;
}

static uint64_t begin_of(const struct trace_event *e)
{
	if (e->kind != TRACE_EXIT)
		return e->timestamp_us;
	return e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0;
}

/* Runs without end would be threads without end. Who follows keeps something for each. */
static void sweep_when_many(struct stacks *s)
{
	if (s->follow || s->threads.count < s->sweep_at)
		return;
	stacks_sweep(s);
	s->sweep_at = 2 * s->threads.count + SWEEP_MIN;
}

static struct running_thread *add_thread(struct stacks *s, uint32_t pid, uint32_t tid, uint64_t run,
					 const struct trace_event *e)
{
	struct running_thread *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	sweep_when_many(s);
	t->pid = pid;
	t->tid = tid;
	t->run = run;
	t->first_us = t->now_us = begin_of(e);
	if (map_put(&s->threads, map_key(pid, tid), run, t, NULL)) {
		free(t);
		return NULL;
	}
	return s->last = t;
}

static struct running_thread *thread_of(struct stacks *s, uint32_t pid, uint32_t tid, uint64_t run,
					const struct trace_event *e)
{
	struct running_thread *t = find_thread(s, pid, tid, run);

	return t ? t : add_thread(s, pid, tid, run, e);
}

struct running_thread *stacks_thread(struct stacks *s, const struct trace_event *e)
{
	return thread_of(s, e->pid, e->tid, 0, e);
}

static bool is_on(const struct trace_call *call, const struct running_thread *t)
{
	return call->pid == t->pid && call->tid == t->tid && call->run == t->run;
}

/* Of a call that begins with this event, or of which only the end is known. */
static uint64_t run_of(const struct stacks *s, const struct trace_calls *c,
		       const struct trace_event *e)
{
	const struct trace_call *caller;

	if (s->follow)
		return 0;
	caller = trace_calls_find(c, e->parent);
	if (caller && caller->entered && caller->pid == e->pid && caller->tid == e->tid)
		return caller->run;
	return e->span >> RUN_SHIFT;
}

static struct trace_call *top_of(const struct running_thread *t)
{
	return t->depth ? t->stack[t->depth - 1] : NULL;
}

/* ---- the stack --------------------------------------------------------------------------- */

static int tell(struct stacks *s, enum running_step step, struct running_thread *t,
		struct trace_call *call, const struct trace_event *e)
{
	uint64_t us = step == RUNNING_SUSPEND ? s->from_us : s->now_us;

	return s->follow ? s->follow(s->arg, &(struct running_at){step, us, t, call, e}) : 0;
}

static int push(struct stacks *s, struct running_thread *t, struct trace_call *call,
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
	call->place = t->depth;
	if (step == RUNNING_RESUME)
		call->wait_us = add_capped(call->wait_us, s->now_us - call->away_us);
	return tell(s, step, t, call, e);
}

/* The caller, where it is on the same thread. */
static struct trace_call *caller_of(const struct stacks *s, const struct trace_call *call)
{
	struct trace_call *caller = trace_calls_find(s->calls, call->parent);

	return caller && caller->pid == call->pid && caller->tid == call->tid ? caller : NULL;
}

static void loosen(const struct stacks *s, const struct trace_call *call)
{
	struct trace_call *caller = caller_of(s, call);

	if (caller)
		caller->stack_flags |= LOOSE;
}

static int pop(struct stacks *s, struct running_thread *t, enum running_step step,
	       const struct trace_event *e)
{
	struct trace_call *call = t->stack[--t->depth];

	call->place = 0;
	if (step == RUNNING_SUSPEND) {
		call->stack_flags |= WAS_SUSPENDED | LOOSE;
		loosen(s, call);
		call->away_us = s->from_us;
		if (call->function)
			call->function->suspends = true;
	}
	return tell(s, step, t, call, e);
}

static int suspend_above(struct stacks *s, struct running_thread *t, size_t depth,
			 const struct trace_event *e)
{
	int err = 0;

	while (t->depth > depth && !err)
		err = pop(s, t, RUNNING_SUSPEND, e);
	return err;
}

static bool keep_on_path(struct stacks *s, size_t n, struct trace_call *call)
{
	if (n == s->path_room) {
		size_t room = s->path_room ? s->path_room * 2 : 64;
		struct trace_call **more = realloc(s->path, room * sizeof(*more));

		if (!more)
			return false;
		s->path = more;
		s->path_room = room;
	}
	s->path[n] = call;
	call->stack_flags |= ON_PATH;
	return true;
}

/* From the call of this number to the nearest of its parents that is on the stack, leaving out
 * that one. ON_PATH stops at calls that a hostile trace has made their own ancestors. */
static int find_path(struct stacks *s, const struct trace_calls *c, const struct running_thread *t,
		     uint64_t span, size_t *ret_len, size_t *ret_place)
{
	struct trace_call *call;
	size_t n = 0;

	*ret_len = 0;
	*ret_place = t->depth;
	if (t->depth && top_of(t)->span == span) /* nearly always */
		return 0;
	call = trace_calls_find(c, span);
	while (call && call->entered && !call->place && !(call->stack_flags & ON_PATH) &&
	       is_on(call, t)) {
		if (!keep_on_path(s, n, call))
			return -ENOMEM;
		n++;
		call = trace_calls_find(c, call->parent);
	}
	for (size_t i = 0; i < n; i++)
		s->path[i]->stack_flags &= ~ON_PATH;
	*ret_len = n;
	*ret_place = call && is_on(call, t) ? call->place : 0;
	return 0;
}

static void ran(struct trace_call *call, uint64_t us)
{
	if (call)
		call->self_us = add_capped(call->self_us, us);
}

/* Makes the call of this number (0: nothing) what runs on the thread. `other`: another one, that
 * was suspended, has run meanwhile. `us`: of the time since the event before, what is to be told
 * whose it was. */
static int show(struct stacks *s, const struct trace_calls *c, struct running_thread *t,
		uint64_t span, bool other, uint64_t us, const struct trace_event *e)
{
	size_t len, place;
	int err = find_path(s, c, t, span, &len, &place);
	bool switched = place < t->depth && (len || other);

	if (!err)
		err = suspend_above(s, t, place, e);
	if (!switched)
		ran(top_of(t), us);
	while (len && !err)
		err = push(s, t, s->path[--len], RUNNING_RESUME, e);
	return err;
}

static void set_times(struct stacks *s, const struct trace_calls *c, const struct running_thread *t,
		      const struct trace_event *e)
{
	s->calls = c;
	s->from_us = t->now_us;
	s->now_us = e->timestamp_us > t->now_us ? e->timestamp_us : t->now_us;
}

int stacks_begin(struct stacks *s, const struct trace_calls *c, struct trace_call *call,
		 const struct trace_event *e)
{
	struct running_thread *t;
	int err;

	call->run = run_of(s, c, e);
	t = thread_of(s, e->pid, e->tid, call->run, e);
	if (!t)
		return -ENOMEM;
	set_times(s, c, t, e);
	call->stack_flags |= ON_PATH; /* it may be its own ancestor */
	err = show(s, c, t, e->parent, false, s->now_us - s->from_us, e);
	call->stack_flags &= ~ON_PATH;
	if (!err)
		err = push(s, t, call, RUNNING_BEGIN, e);
	t->now_us = s->now_us;
	return err;
}

static int end_on_stack(struct stacks *s, struct running_thread *t, struct trace_call *call,
			const struct trace_event *e)
{
	int err = suspend_above(s, t, call->place, e);

	ran(call, s->now_us - s->from_us);
	return err ? err : pop(s, t, RUNNING_END, e);
}

/* It was resumed and has ended, and nothing between told of it. */
static int end_suspended(struct stacks *s, const struct trace_calls *c, struct running_thread *t,
			 struct trace_call *call, const struct trace_event *e)
{
	int err;

	call->wait_us = add_capped(call->wait_us, s->now_us - call->away_us);
	call->stack_flags |= ON_PATH; /* it may be its own ancestor, and must not come back */
	err = show(s, c, t, call->parent, true, s->now_us - s->from_us, e);
	return err ? err : tell(s, RUNNING_GONE, t, call, e);
}

/* Its beginning is not in the trace: of the time since the event before what may be its own. */
static int end_unopened(struct stacks *s, const struct trace_calls *c, struct running_thread *t,
			struct trace_call *call, const struct trace_event *e)
{
	uint64_t begin = begin_of(e), from = begin > s->from_us ? begin : s->from_us;

	from = from < s->now_us ? from : s->now_us;
	ran(call, s->now_us - from);
	call->stack_flags |= ON_PATH;
	return show(s, c, t, call->parent, false, from - s->from_us, e);
}

/* Of calls that only nest, the durations say it exactly: moments are cut to microseconds. */
static void set_self_time(const struct stacks *s, struct trace_call *call, uint64_t duration_us)
{
	struct trace_call *caller = caller_of(s, call);
	uint64_t below = call->children_us < duration_us ? call->children_us : duration_us;

	if (call->entered && !(call->stack_flags & LOOSE))
		call->self_us = duration_us - below;
	if (call->self_us > duration_us)
		call->self_us = duration_us;
	if (call->wait_us > duration_us - call->self_us)
		call->wait_us = duration_us - call->self_us;
	if (caller)
		caller->children_us = add_capped(caller->children_us, duration_us);
}

int stacks_end(struct stacks *s, const struct trace_calls *c, struct trace_call *call,
	       const struct trace_event *e)
{
	struct running_thread *t;
	int err;

	if (!call->entered)
		call->run = run_of(s, c, e);
	/* A generator may end on another thread than that it began on. */
	t = thread_of(s, call->pid, call->tid, call->run, e);
	if (!t)
		return -ENOMEM;
	set_times(s, c, t, e);
	if (call->place)
		err = end_on_stack(s, t, call, e);
	else if (call->entered)
		err = end_suspended(s, c, t, call, e);
	else
		err = end_unopened(s, c, t, call, e);
	t->now_us = s->now_us;
	set_self_time(s, call, e->duration_us);
	return err;
}

uint64_t stacks_self_us(const struct stacks *s, const struct trace_call *call, uint64_t until_us)
{
	const struct running_thread *t =
		map_get(&s->threads, map_key(call->pid, call->tid), call->run);

	if (!t || !call->place || top_of(t) != call || until_us <= t->now_us ||
	    (call->function && call->function->suspends))
		return call->self_us;
	return add_capped(call->self_us, until_us - t->now_us);
}

uint64_t stacks_wait_us(const struct trace_call *call, uint64_t until_us)
{
	if (call->place || !call->entered || until_us <= call->away_us)
		return call->wait_us;
	return add_capped(call->wait_us, until_us - call->away_us);
}

int stacks_finish(struct stacks *s, void (*closed)(void *arg, struct trace_call *call), void *arg)
{
	int err = 0;

	for (size_t i = 0; i < s->threads.size && !err; i++) {
		struct running_thread *t = s->threads.slot[i].value;

		if (t)
			s->from_us = s->now_us = t->now_us;
		while (t && t->depth && !err) {
			struct trace_call *call = top_of(t);

			err = pop(s, t, RUNNING_END, NULL);
			closed(arg, call);
		}
	}
	return err;
}
