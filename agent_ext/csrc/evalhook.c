/* SPDX-License-Identifier: MIT */
/*
 * Watching up to 3.11: the function that the interpreter calls for every body (PEP 523). It sees
 * every thread, also those that run already, every generator's resumption and every way out, and
 * nothing of calls into C. A hook that was there before (a debugger) is called by it.
 */
#include <patchlevel.h>
#if PY_VERSION_HEX < 0x030c0000
#include "evalplace.h"

#include <pthread.h>

#include "backend.h"
#include "calls.h"
#include "frames.h"
#include "open_calls.h"
#include "sender.h"
#include "stacks.h"
#include "state.h"
#include "subscript.h"

static bool watch_all;

static PyObject *evaluate(EVAL_PARAMS);

int backend_start(bool all)
{
	eval_place.ours = evaluate;
	if (subscript_watch() || place_take())
		return -1;
	watch_all = all;
	return 0;
}

/* Where we stay, we do nothing. */
void backend_stop(void)
{
	place_leave();
	watch_all = false;
}

int backend_marked(PyCodeObject *code)
{
	return 0; /* its mark is looked at when it is called */
}

/* ---- the stack of the C code ------------------------------------------------------------ */

/*
 * A call takes more of it under a hook than without: from 3.11 on, a Python function that calls
 * another takes none. Where it comes to an end the hook goes, until the call that did so returns;
 * the program gets as deep as it would.
 */
#define STACK_KEPT (512 * 1024)

static uintptr_t find_guard(void)
{
	pthread_attr_t attr;
	void *lowest = NULL;
	size_t size = 0;

	if (pthread_getattr_np(pthread_self(), &attr))
		return 1;
	pthread_attr_getstack(&attr, &lowest, &size);
	pthread_attr_destroy(&attr);
	return (uintptr_t)lowest + (size > 4 * STACK_KEPT ? STACK_KEPT : size / 4);
}

static bool stack_is_low(void)
{
	if (__builtin_expect(!eval_stack_guard, 0))
		eval_stack_guard = find_guard();
	return (uintptr_t)__builtin_frame_address(0) < eval_stack_guard;
}

static PyObject *without_hook(EVAL_PARAMS)
{
	_PyFrameEvalFunction before = eval_place.before;
	struct agent_thread *t = sender_current();
	PyObject *result;

	if (t && eval_place.on)
		sender_lost(t, sender_now(t), 1, LOSS_STACK_LOW);
	if (place_is_first())
		place_give(before);
	result = before(EVAL_ARGS);
	if (eval_place.on && place_first() == before)
		place_give(evaluate);
	return result;
}

/* The guard says so: there is little left, or it was moved to see whether we are asked. */
static PyObject *below_guard(EVAL_PARAMS)
{
	if (!eval_place.trying)
		return without_hook(EVAL_ARGS);
	eval_place.reached = true;
	return eval_place.before(EVAL_ARGS);
}

/* ---- a body ----------------------------------------------------------------------------- */

enum moment {
	STARTS,
	RESUMES,
	NO_BODY, /* none of it runs */
};

#if PY_VERSION_HEX >= 0x030b0000

#define RETURN_GENERATOR 75
#define FRAME_FUNCTION 0 /* f_func */

/* What precedes the frame that lies inside of a generator. */
static PyGenObject *generator_of(const void *frame)
{
	return (PyGenObject *)((char *)frame - offsetof(PyGenObject, gi_iframe));
}

/* Calling a generator function makes the generator in a frame of the thread's. */
static enum moment moment_of(const void *frame, bool generator, int throwflag)
{
	const uint16_t *instr = (void *)frame_word(frame, frame_facts.frame_instr);

	if (!generator) {
		subscript_seen((PyObject *)frame_word(frame, FRAME_FUNCTION));
		return STARTS;
	}
	if (*((const char *)frame + frame_facts.frame_owner) != 1)
		return NO_BODY;
	if ((*instr & 0xff) != RETURN_GENERATOR)
		return RESUMES;
	return throwflag ? NO_BODY : STARTS;
}

static bool is_suspended(const void *frame)
{
	return generator_of(frame)->gi_frame_state == -1; /* FRAME_SUSPENDED */
}

#else

static enum moment moment_of(const PyFrameObject *frame, bool generator, int throwflag)
{
	if (frame->f_lasti >= 0)
		return RESUMES;
	return throwflag ? NO_BODY : STARTS;
}

static bool is_suspended(const PyFrameObject *frame)
{
#if PY_VERSION_HEX >= 0x030a0000
	return frame->f_state == FRAME_SUSPENDED;
#else
	return frame->f_stacktop != NULL;
#endif
}

#endif

/*
 * Will the interpreter raise RecursionError in place of this body? It asks after us, and after a
 * call that has not begun nothing may be told (_Py_CheckRecursiveCall).
 */
static bool is_too_deep(void)
{
	const PyThreadState *tstate = PyThreadState_Get();

#if PY_VERSION_HEX >= 0x030b0000
	return tstate->recursion_remaining <= 0 && !tstate->recursion_headroom;
#elif PY_VERSION_HEX >= 0x030a0000
	return tstate->recursion_depth >= Py_GetRecursionLimit() && !tstate->recursion_headroom;
#else
	return tstate->recursion_depth >= Py_GetRecursionLimit() && !tstate->overflowed &&
	       !tstate->recursion_critical;
#endif
}

/* The exception that is set; value may be what it will be made from. */
static void raised(PyCodeObject *code, void *frame)
{
	const PyThreadState *tstate = PyThreadState_Get();

	call_raise(code, frame, tstate->curexc_type, tstate->curexc_value,
		   tstate->curexc_traceback);
}

/* The frame as calls.c knows it. Returns what its stack is known by. */
static uintptr_t begin_body(PyCodeObject *code, struct code_info *info, FRAME *frame,
			    enum moment moment)
{
	void *below = frame_current();
	uintptr_t stack = greenlets_loaded() ? stack_enter(frame, below) : 0;

	if (moment == STARTS)
		call_begin(code, info, frame, below, info->generator);
	else
		call_resume(code, frame);
	return stack;
}

static void end_body(PyCodeObject *code, const struct code_info *info, FRAME *frame,
		     PyObject *result)
{
	if (!result)
		raised(code, frame);
	else if (info->generator && is_suspended(frame))
		call_suspend(code, frame);
	else
		call_return(code, frame, result);
}

static PyObject *watched(EVAL_PARAMS, PyCodeObject *code, struct code_info *info)
{
	enum moment moment = moment_of(frame, info->generator, throwflag);
	PyObject *result;
	uintptr_t stack;

	if (moment == NO_BODY || (moment == STARTS && is_too_deep()))
		return eval_place.before(EVAL_ARGS);
	/* The code lives as long as its frame, which may end first. */
	Py_INCREF(code);
	stack = begin_body(code, info, frame, moment);
	result = eval_place.before(EVAL_ARGS);
	if (greenlets_loaded())
		stack_return(stack);
	info = code_info_seen(code);
	if (info)
		end_body(code, info, frame, result);
	Py_DECREF(code);
	return result;
}

/* A call is of the module that it began as, whatever its globals say by now: they may be cleared.
 */
static bool resumes(PyCodeObject *code, const struct code_info *info, FRAME *frame, int throwflag)
{
	return info->shared && info->generator && open_waits(code, frame) &&
	       moment_of(frame, true, throwflag) == RESUMES;
}

static PyObject *evaluate_any(EVAL_PARAMS)
{
	PyCodeObject *code = frame_code(frame);
	struct code_info *info;

	if (stack_is_low())
		return below_guard(EVAL_ARGS);
	info = engine_running() ? code_info(code, frame_globals(frame)) : NULL;
	if (!info ||
	    !(info->marked || (info->wanted && watch_all) || resumes(code, info, frame, throwflag)))
		return eval_place.before(EVAL_ARGS);
	return watched(EVAL_ARGS, code, info);
}

/* Asked for a body that we are about to have evaluated: the last in the ring is the default. */
static PyObject *evaluate_once(EVAL_PARAMS)
{
	static __thread void *passed_on;
	void *outer = passed_on;
	PyObject *result;

	if (passed_on == frame)
		return _PyEval_EvalFrameDefault(EVAL_ARGS);
	passed_on = frame;
	result = evaluate_any(EVAL_ARGS);
	passed_on = outer;
	return result;
}

/* Most bodies are not traced. */
static PyObject *evaluate(EVAL_PARAMS)
{
	if (__builtin_expect(eval_place.may_loop, 0))
		return evaluate_once(EVAL_ARGS);
	if (code_is_untraced(frame_code(frame), frame_globals(frame)) && !stack_is_low())
		return eval_place.before(EVAL_ARGS);
	return evaluate_any(EVAL_ARGS);
}

#endif
