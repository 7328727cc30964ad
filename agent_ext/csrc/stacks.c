/* SPDX-License-Identifier: MIT */
#include "stacks.h"

#include "frames.h"

#define SHIM 3 /* owner of a frame of the interpreter's own (from 3.12 on), and above */

struct greenlets greenlets;

/* One that waits, of a thread whose stack is another one. */
struct waiting {
	struct call *stack; /* owned */
	size_t depth, room;
};

/* ---- is there any? ---------------------------------------------------------------------- */

void greenlets_begin(void)
{
	if (!greenlets.modules)
		Py_XINCREF(greenlets.modules = PyImport_GetModuleDict());
	greenlets.count = -1;
}

bool greenlets_look(void)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	greenlets.count = PyDict_GET_SIZE(greenlets.modules);
	greenlets.loaded = PyDict_GetItemString(greenlets.modules, "greenlet") != NULL;
	PyErr_Restore(type, value, traceback);
	return greenlets.loaded;
}

/* ---- whose a frame is ------------------------------------------------------------------- */

/* It lies on the C stack, maybe where another greenlet has one. */
static bool is_shim(const void *frame)
{
	return frame_facts.frame_owner != FT_NONE &&
	       *((const char *)frame + frame_facts.frame_owner) >= SHIM;
}

static void *above_shims(void *frame)
{
	while (frame && is_shim(frame))
		frame = frame_previous(frame);
	return frame;
}

static void *bottom_of(void *frame)
{
	void *bottom = frame;

	for (; frame; frame = frame_previous(frame))
		if (!is_shim(frame))
			bottom = frame;
	return bottom;
}

/*
 * Up to 3.10 a generator that is thrown into through `yield from` stands at the bottom of a chain
 * of its own (genobject.c, _gen_throw), and up to 3.9 it says that it does not run: that is no
 * greenlet.
 */
static bool is_thrown_into(const void *frame)
{
#if PY_VERSION_HEX < 0x030a0000
	return !*((const char *)frame + frame_facts.frame_state);
#else
	return false;
#endif
}

/*
 * The calls that a thread had open when greenlet was loaded are those of whom they stand under;
 * their stack has the bottom 0 until then, and keeps it.
 */
static bool is_first(const struct agent_thread *t, void *frame)
{
	const struct waiting *w = t->bottom ? map_get(&t->waiting, t->pid, 0) : NULL;
	const struct call *top = NULL;

	if (!t->bottom && t->depth)
		top = &t->stack[t->depth - 1];
	else if (w && w->depth)
		top = &w->stack[w->depth - 1];
	while (top && frame && frame != top->frame)
		frame = frame_previous(frame);
	return top && frame;
}

/* ---- from one to another ---------------------------------------------------------------- */

/* Puts the thread's stack away; false without memory. */
static bool put_away(struct agent_thread *t)
{
	struct waiting *w = t->depth ? malloc(sizeof(*w)) : NULL;

	if (!t->depth)
		return true;
	if (!w || map_put(&t->waiting, t->pid, t->bottom, w, NULL)) {
		free(w);
		return false;
	}
	*w = (struct waiting){t->stack, t->depth, t->room};
	t->stack = NULL;
	t->room = 0;
	return true;
}

static void change_to(struct agent_thread *t, uintptr_t bottom)
{
	struct waiting *w;

	if (!put_away(t))
		engine_lost(t, engine_now(t), t->depth, LOSS_NO_MEMORY);
	w = map_take(&t->waiting, t->pid, bottom);
	t->bottom = bottom;
	t->depth = 0;
	if (!w)
		return;
	free(t->stack);
	t->stack = w->stack;
	t->depth = w->depth;
	t->room = w->room;
	free(w);
}

/* The stack of a frame that is not the thread's innermost known one. */
static void find(struct agent_thread *t, void *frame, void *below)
{
	uintptr_t bottom = (uintptr_t)bottom_of(below ?: frame);

	if (below && is_thrown_into((void *)bottom))
		return;
	if (!t->first && is_first(t, below ?: frame))
		t->first = bottom;
	if (bottom == t->first)
		bottom = 0;
	if (bottom != t->bottom)
		change_to(t, bottom);
}

/* NULL: nothing is recorded, or what is being recorded must not be disturbed. */
static struct agent_thread *thread_free_to_change(void)
{
	struct agent_thread *t = engine_thread();

	return t && !t->busy ? t : NULL;
}

static bool is_top(const struct agent_thread *t, const void *frame)
{
	return t->depth && t->stack[t->depth - 1].frame == frame;
}

uintptr_t stack_enter(void *frame, void *below)
{
	struct agent_thread *t = thread_free_to_change();

	if (!t)
		return 0;
	below = above_shims(below);
	if (!below || !is_top(t, below))
		find(t, frame, below);
	/* Nothing is below it: what was there is over, whether that was seen or not. */
	if (!below)
		t->depth = 0;
	return t->bottom;
}

void stack_leave(void *frame)
{
	struct agent_thread *t = thread_free_to_change();

	if (t && !is_top(t, frame))
		find(t, frame, above_shims(frame_previous(frame)));
}

void stack_return(uintptr_t bottom)
{
	struct agent_thread *t = thread_free_to_change();

	if (t && bottom != t->bottom)
		change_to(t, bottom);
}

static bool forget(void *arg, const struct map_slot *slot)
{
	struct waiting *w = slot->value;

	free(w->stack);
	free(w);
	return true;
}

void stacks_forget(struct agent_thread *t)
{
	map_sweep(&t->waiting, forget, NULL);
	map_release(&t->waiting);
	t->waiting = (struct map){};
	t->depth = 0;
	t->bottom = t->first = 0;
}
