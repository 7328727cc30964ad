/* SPDX-License-Identifier: MIT */
/* Classes that values name. */
#ifndef FT_AGENT_TYPES_H
#define FT_AGENT_TYPES_H

#include "python.h"

/* A class that a record names; announces it once in a run, and again when it has changed. */
void type_announce(PyTypeObject *type);

#endif
