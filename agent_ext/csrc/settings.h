/* SPDX-License-Identifier: MIT */
/* The settings of a run, from Python's keyword arguments. */
#ifndef FT_AGENT_SETTINGS_H
#define FT_AGENT_SETTINGS_H

#include "python.h"

#include <stdbool.h>

#include "config.h"

enum overflow { OVERFLOW_BLOCK, OVERFLOW_DROP };

struct settings {
	struct config config; /* what the pipeline reads; strings are owned */
	enum overflow overflow;
	PyObject *prefix, *exclude, *redact; /* owned sequences of str */
};

/* 0, or -1 with a Python error set that names what is wrong. */
int settings_read(PyObject *args, PyObject *kwargs, struct settings *ret);
void settings_release(struct settings *s);

#endif
