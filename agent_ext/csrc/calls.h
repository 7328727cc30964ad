/* SPDX-License-Identifier: MIT */
/*
 * Calls of wanted functions as they happen, to records: what the two ways of watching the
 * interpreter (monitor.c, evalhook.c) tell in common. Every function is called with the GIL
 * held, by the thread that runs the call.
 */
#ifndef FT_AGENT_CALLS_H
#define FT_AGENT_CALLS_H

#include "names.h"

/* Which HTTP request a call is made for, by its number; 0: none. NULL: no wrapper exists yet. */
extern uint64_t (*call_request)(void);

/* A body starts. below: the frame under it, or NULL; cells_made: see frame_param(). */
void call_begin(PyCodeObject *code, struct code_info *info, void *frame, void *below,
		bool cells_made);
/* It returns. */
void call_return(PyCodeObject *code, void *frame, PyObject *result);
/* It is left by an exception: an instance, or what will become one (value: instance, str,
 * tuple or NULL) of that type. */
void call_raise(PyCodeObject *code, void *frame, PyObject *type, PyObject *value,
		PyObject *traceback);
/* A generator is suspended, and resumes, on this or another thread. */
void call_suspend(PyCodeObject *code, void *frame);
void call_resume(PyCodeObject *code, void *frame);

#endif
