/* SPDX-License-Identifier: MIT */
/* Names whose values are never written: --redact of the contract. */
#ifndef FT_AGENT_REDACT_H
#define FT_AGENT_REDACT_H

#include "python.h"

#include <stdbool.h>

/* Replaces the list; names is a sequence of str. -1 with a Python error set. */
int redact_set(PyObject *names);
/* Is this str or bytes on it? Whole names; case does not count, - equals _, and a leading
 * HTTP_ is not looked at. */
bool redacted(PyObject *name);

#endif
