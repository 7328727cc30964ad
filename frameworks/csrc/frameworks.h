/* SPDX-License-Identifier: MIT */
/* What the extension module gets from here: the types Request, WSGI and ASGI. */
#ifndef FT_FRAMEWORKS_H
#define FT_FRAMEWORKS_H

#include "python.h"

/* Adds them to the module. 0, or -1 with a Python error set. */
int frameworks_init(PyObject *module);

#endif
