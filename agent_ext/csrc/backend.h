/* SPDX-License-Identifier: MIT */
/*
 * How the interpreter is watched: from 3.12 on through sys.monitoring (monitor.c), before
 * through the function that it calls for every body (evalhook.c). Each release has one of them.
 */
#ifndef FT_AGENT_BACKEND_H
#define FT_AGENT_BACKEND_H

#include "python.h"

#include <stdbool.h>

/* all: the functions of every module that is wanted; else only what @trace marked. Also
 * changes from one to the other. 0, or -1 with a Python error set. */
int backend_start(bool all);
/* Takes out what was put in; others who watch notice nothing. */
void backend_stop(void);
/* A function was marked. 0, or -1 with a Python error set. */
int backend_marked(PyCodeObject *code);

/* From the writer, now and then: does it still happen? */
void backend_look(void);

#endif
