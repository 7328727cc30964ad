/* SPDX-License-Identifier: MIT */
#include "open_calls.h"

#include "base/map.h"

/* Frame of a suspended generator -> its struct call, owned. Guarded by the GIL. */
static struct map suspended;
static unsigned suspended_run;

/* ---- the thread's stack ---------------------------------------------------------------------- */

struct call *open_top(struct agent_thread *t)
{
	return t->depth ? &t->stack[t->depth - 1] : NULL;
}

struct call *open_push(struct agent_thread *t, const struct call *call)
{
	if (t->depth == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct call *stack = realloc(t->stack, room * sizeof(*stack));

		if (!stack)
			return NULL;
		t->stack = stack;
		t->room = room;
	}
	t->stack[t->depth] = *call;
	return &t->stack[t->depth++];
}

/* What is above it ended unseen. */
bool open_take(struct agent_thread *t, const PyCodeObject *code, const void *frame,
	       struct call *ret_call)
{
	size_t i = t->depth;

	while (i && t->stack[i - 1].frame != frame)
		i--;
	if (!i || t->stack[i - 1].code != code)
		return false;
	*ret_call = t->stack[i - 1];
	t->depth = i - 1;
	return true;
}

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
	suspended_run = engine_run();
}

bool open_suspend(const struct call *call)
{
	struct call *copy = malloc(sizeof(*copy));
	void *old = NULL;

	if (suspended_run != engine_run())
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
	return suspended_run == engine_run() ? map_take(&suspended, (uintptr_t)frame, 0) : NULL;
}

bool open_waits(const PyCodeObject *code, const void *frame)
{
	const struct call *call =
		suspended_run == engine_run() ? map_get(&suspended, (uintptr_t)frame, 0) : NULL;

	return call && call->code == code;
}
