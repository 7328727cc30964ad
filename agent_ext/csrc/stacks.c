/* SPDX-License-Identifier: MIT */
#include "stacks.h"

#include "frames.h"
#include "sender.h"

#define SHIM 3 /* owner of a frame of the interpreter's own (from 3.12 on), and above */

struct greenlets greenlets;

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
	return frame_facts.frame_owner != FT_NO_FIELD &&
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
 * Up to 3.10 a generator that is thrown into through `yield from` is at the bottom of a chain
 * of its own (genobject.c, _gen_throw), and up to 3.9 it says that it does not run: that is not a
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
 * The calls that a thread had open when greenlet was loaded belong to the stack that they are on;
 * their stack has the bottom 0 until then, and keeps it.
 */
static bool is_first(const struct agent_thread *t, void *frame)
{
	const struct call *top = call_stack_first_top(&t->calls);

	while (top && frame && frame != top->frame)
		frame = frame_previous(frame);
	return top && frame;
}

/* ---- from one to another ---------------------------------------------------------------- */

static void change_to(struct agent_thread *t, uintptr_t bottom)
{
	size_t lost = call_stack_switch(&t->calls, bottom);

	if (lost)
		sender_lost(t, sender_now(t), lost, LOSS_NO_MEMORY);
}

/* The stack of a frame that is not the thread's innermost known one. */
static void find(struct agent_thread *t, void *frame, void *below)
{
	uintptr_t bottom = (uintptr_t)bottom_of(below ?: frame);

	if (below && is_thrown_into((void *)bottom))
		return;
	if (!t->calls.first && is_first(t, below ?: frame))
		t->calls.first = bottom;
	if (bottom == t->calls.first)
		bottom = 0;
	if (bottom != t->calls.bottom)
		change_to(t, bottom);
}

/* NULL: nothing is recorded, or what is being recorded must not be disturbed. */
static struct agent_thread *thread_free_to_change(void)
{
	struct agent_thread *t = sender_current();

	return t && !t->busy ? t : NULL;
}

static bool is_top(const struct agent_thread *t, const void *frame)
{
	const struct call *top = call_stack_top(&t->calls);

	return top && top->frame == frame;
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
		t->calls.depth = 0;
	return t->calls.bottom;
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

	if (t && bottom != t->calls.bottom)
		change_to(t, bottom);
}
