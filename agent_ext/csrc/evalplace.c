/* SPDX-License-Identifier: MIT */
#include <patchlevel.h>
#if PY_VERSION_HEX < 0x030c0000
#include "evalplace.h"

#include <stdatomic.h>

#include "backend.h"
#include "sender.h"

struct eval_place eval_place;
__thread uintptr_t eval_stack_guard;

static struct eval_place *const place = &eval_place;

/* Another hook that was seen to call ours. */
static _Atomic(_PyFrameEvalFunction) well_behaved;
static _Atomic bool watching; /* ours is to be asked, of a run */

/* ---- in and out of the interpreter ------------------------------------------------------ */

#if PY_VERSION_HEX >= 0x03090000
static _PyFrameEvalFunction first_of(PyInterpreterState *interpreter)
{
	return _PyInterpreterState_GetEvalFrameFunc(interpreter);
}

_PyFrameEvalFunction place_first(void)
{
	return first_of(PyInterpreterState_Get());
}

void place_give(_PyFrameEvalFunction other)
{
	_PyInterpreterState_SetEvalFrameFunc(PyInterpreterState_Get(), other);
}
#else
static _PyFrameEvalFunction first_of(PyInterpreterState *interpreter)
{
	return interpreter->eval_frame;
}

_PyFrameEvalFunction place_first(void)
{
	return first_of(PyThreadState_Get()->interp);
}

void place_give(_PyFrameEvalFunction other)
{
	PyThreadState_Get()->interp->eval_frame = other;
}
#endif

bool place_is_first(void)
{
	return place_first() == place->ours;
}

/* ---- is ours asked ---------------------------------------------------------------------- */

static int evaluate_nothing(void)
{
	PyObject *code = Py_CompileString("None", "<flowtrace>", Py_eval_input);
	PyObject *globals = PyDict_New(), *result = NULL;

	if (code && globals && !PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins()))
		result = PyEval_EvalCode(code, globals, globals);
	Py_XDECREF(code);
	Py_XDECREF(globals);
	Py_XDECREF(result);
	return result ? 0 : -1;
}

/* 1 or 0; -1 with a Python error set. */
static int is_asked(void)
{
	uintptr_t guard = eval_stack_guard;
	int err;

	if (place_is_first())
		return 1;
	eval_stack_guard = UINTPTR_MAX;
	place->trying = true;
	place->reached = false;
	err = evaluate_nothing();
	place->trying = false;
	eval_stack_guard = guard;
	if (!err && place->reached)
		atomic_store(&well_behaved, place_first());
	return err ? -1 : place->reached;
}

/* Only who came after ours can have been told of it. */
static void install(void)
{
	static bool known;

	place->before = place_first();
	place->may_loop = known && place->before != _PyEval_EvalFrameDefault;
	known = true;
	place->on = true;
	atomic_store(&well_behaved, NULL);
	place_give(place->ours);
}

/* ---- another hook came ------------------------------------------------------------------- */

static void record_displaced(void)
{
	struct agent_thread *t = sender_current();

	if (!t)
		return;
	sender_lost(t, sender_now(t), 1, LOSS_DISPLACED);
	sender_record_losses(t);
}

/* Installs ours if it is not called. What was missed until now is counted. */
static int ensure_installed(void)
{
	int asked = 0;

	if (place->on)
		asked = place_first() == atomic_load(&well_behaved) ? 1 : is_asked();
	if (asked)
		return asked < 0 ? -1 : 0;
	if (atomic_load(&watching))
		record_displaced();
	install();
	return 0;
}

int place_take(void)
{
	int err = ensure_installed();

	atomic_store(&watching, !err);
	return err;
}

void place_leave(void)
{
	PyObject *type, *value, *traceback;

	PyErr_Fetch(&type, &value, &traceback);
	if (atomic_load(&watching))
		(void)ensure_installed();
	PyErr_Restore(type, value, traceback);
	atomic_store(&watching, false);
	if (!place_is_first())
		return;
	place_give(place->before);
	place->on = false;
}

/* The only time that the writer takes the interpreter's lock: the main thread may wait in C. */
void backend_look(void)
{
	_PyFrameEvalFunction first = first_of(PyInterpreterState_Main());
	PyGILState_STATE state;

	if (!atomic_load(&watching) || first == place->ours || first == atomic_load(&well_behaved))
		return;
	state = PyGILState_Ensure();
	if (atomic_load(&watching) && ensure_installed())
		PyErr_Clear();
	PyGILState_Release(state);
}

#endif
