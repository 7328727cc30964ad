/* SPDX-License-Identifier: MIT */
/*
 * Up to 3.11: our place among those whom the interpreter asks to evaluate bodies (PEP 523). It
 * asks one function; that one asks who stood there before it, if it is well behaved. Debuggers are
 * not: they take the place of all others, and put the default function there when they end.
 */
#ifndef FT_AGENT_EVALPLACE_H
#define FT_AGENT_EVALPLACE_H

#include <patchlevel.h>
#if PY_VERSION_HEX < 0x03090000
#define Py_BUILD_CORE_MODULE 1 /* for interp->eval_frame, which no function sets */
#endif
#include "python.h"

#include <stdbool.h>
#include <stdint.h>

#if PY_VERSION_HEX < 0x03090000
#include <internal/pycore_pystate.h>
#endif

#if PY_VERSION_HEX >= 0x030b0000
#define FRAME struct _PyInterpreterFrame
#else
#define FRAME PyFrameObject
#endif

/* 3.9 gave the function the thread state. */
#if PY_VERSION_HEX >= 0x03090000
#define EVAL_PARAMS PyThreadState *tstate, FRAME *frame, int throwflag
#define EVAL_ARGS tstate, frame, throwflag
#else
#define EVAL_PARAMS FRAME *frame, int throwflag
#define EVAL_ARGS frame, throwflag
#endif

struct eval_place {
	_PyFrameEvalFunction ours, before; /* before: whom ours asks */
	bool on;			   /* ours stood there, and may be asked still */
	bool may_loop; /* whom ours asks may ask ours again, for the same body */
	bool trying;   /* a body of our own is evaluated, to see whether ours is asked */
	bool reached;  /* it is */
};

extern struct eval_place eval_place;

/* Below it, ours does nothing but to say that it was asked, or to step aside. */
extern __thread uintptr_t eval_stack_guard;

/* Installs ours, unless it is called already. -1 with a Python error set. */
int place_take(void);
/* Removes ours, unless a hook that came later may call it. */
void place_leave(void);
/* Is ours the first that is asked? */
bool place_is_first(void);
/* The first to be asked is this one. */
void place_give(_PyFrameEvalFunction other);
_PyFrameEvalFunction place_first(void);

#endif
