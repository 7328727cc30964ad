/* SPDX-License-Identifier: MIT */
/*
 * The stack of open calls that a thread is on. It has one, or, once greenlet is loaded (by gevent,
 * eventlet), one for each greenlet: a switch is not announced, but each greenlet has a Python frame
 * of its own at its bottom, under which there is none. What is known of a stack by its bottom is
 * valid as long as calls are open on it.
 */
#ifndef FT_AGENT_STACKS_H
#define FT_AGENT_STACKS_H

#include "python.h"

#include <stdbool.h>
#include <stdint.h>

/* Has greenlet been loaded? No more than a look at how many modules there are. */
struct greenlets {
	PyObject *modules; /* sys.modules, owned */
	Py_ssize_t count;  /* of them, when they were looked at */
	bool loaded;
};

extern struct greenlets greenlets;

/* With the GIL held, before any call is told of. */
void greenlets_begin(void);
bool greenlets_look(void);

static inline bool greenlets_loaded(void)
{
	return greenlets.loaded ||
	       (PyDict_GET_SIZE(greenlets.modules) != greenlets.count && greenlets_look());
}

/*
 * A body starts or resumes: the stack it is on becomes this thread's. below: the frame under it, or
 * NULL. Returns what stack_return() knows the stack by. All three only where there are greenlets.
 */
uintptr_t stack_enter(void *frame, void *below);
/* A body that still has its frame is about to be left. */
void stack_leave(void *frame);
/* ... that has none any more. */
void stack_return(uintptr_t bottom);

#endif
