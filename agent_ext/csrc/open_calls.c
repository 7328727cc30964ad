/* SPDX-License-Identifier: MIT */
#include "open_calls.h"

#include "base/map.h"
#include "frames.h"
#include "state.h"

#define MAX_BELOW 128 /* frames that are looked at for an open call */

/* Frame of a suspended generator -> its struct call, owned. Guarded by the GIL. */
static struct map suspended;
static unsigned suspended_run;

/* ---- suspended generators -------------------------------------------------------------------- */

static bool drop_one(void *arg, const struct map_slot *slot)
{
	free(slot->value);
	return true;
}

void open_forget(void)
{
	map_sweep(&suspended, drop_one, NULL);
	map_release(&suspended);
	suspended = (struct map){};
	suspended_run = engine_run_id();
}

bool open_suspend(const struct call *call)
{
	struct call *copy = malloc(sizeof(*copy));
	void *old = NULL;

	if (suspended_run != engine_run_id())
		open_forget();
	if (!copy)
		return false;
	*copy = *call;
	if (map_put(&suspended, (uintptr_t)call->frame, 0, copy, &old)) {
		free(copy);
		return false;
	}
	free(old);
	return true;
}

struct call *open_unsuspend(const void *frame)
{
	return suspended_run == engine_run_id() ? map_take(&suspended, (uintptr_t)frame, 0) : NULL;
}

static const struct call *waiting_call(const PyCodeObject *code, const void *frame)
{
	const struct call *call =
		suspended_run == engine_run_id() ? map_get(&suspended, (uintptr_t)frame, 0) : NULL;

	return call && call->code == code ? call : NULL;
}

bool open_waits(const PyCodeObject *code, const void *frame)
{
	return waiting_call(code, frame) != NULL;
}

/* ---- by frame -------------------------------------------------------------------------------- */

/* How deep on the thread's stack the call of this frame is; 0: it is not there. */
static size_t depth_of(const struct agent_thread *t, const void *frame)
{
	size_t i = t->calls.depth;

	while (i && t->calls.call[i - 1].frame != frame)
		i--;
	return i;
}

/*
 * What is above it on the stack ended unseen. And a suspended one may have gone on unseen: what a
 * signal raises comes before PY_RESUME would be told (from 3.13).
 */
bool open_take(struct agent_thread *t, const PyCodeObject *code, const void *frame,
	       struct call *ret_call)
{
	size_t depth = depth_of(t, frame);
	struct call *waiting = NULL;

	if (depth && t->calls.call[depth - 1].code == code)
		*ret_call = t->calls.call[t->calls.depth = depth - 1];
	else if (!depth && open_waits(code, frame))
		*ret_call = *(waiting = open_unsuspend(frame));
	else
		return false;
	free(waiting);
	return true;
}

/*
 * A generator that waits for another one is below it, and does not resume, when something is
 * thrown into that through it (genobject.c, _gen_throw).
 */
static const struct call *waiting_at(void *frame)
{
	if (!suspended.count || !frame_is_generators(frame))
		return NULL;
	return waiting_call(frame_code(frame), frame);
}

/* The stack's top is not among the frames, and these are all: which of the others is? */
static const struct call *find_below(struct agent_thread *t, void *below)
{
	size_t depth = 0;

	for (; below && !depth; below = frame_previous(below))
		depth = depth_of(t, below);
	if (!depth)
		return NULL;
	t->calls.depth = depth;
	return call_stack_top(&t->calls);
}

const struct call *open_below(struct agent_thread *t, const void *frame, void *below)
{
	const struct call *top = call_stack_top(&t->calls), *waiting;
	void *at = below;

	if (top && top->frame == frame)
		t->calls.depth--; /* it never ended for us */
	top = call_stack_top(&t->calls);
	for (int i = 0; at && i < MAX_BELOW; i++, at = frame_previous(at)) {
		if (top && at == top->frame)
			return top;
		waiting = waiting_at(at);
		if (waiting)
			return waiting;
	}
	return at ? top : find_below(t, below);
}
