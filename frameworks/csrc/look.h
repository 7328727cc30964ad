/* SPDX-License-Identifier: MIT */
/*
 * What wraps a callable or an awaitable looks like it: servers and frameworks decide by
 * isinstance(), by the code, by marks, by the signature how to call what they were given, and each
 * release of inspect asks in another way. So every attribute that is not the wrapper's own is that
 * of what is inside, and so is its class.
 */
#ifndef FT_LOOK_H
#define FT_LOOK_H

#include "python.h"

/* An attribute of what wraps inside; inside NULL: of itself alone. */
PyObject *look_attribute(PyObject *self, PyObject *inside, PyObject *name);

/* The type in C that it is, or that its class in Python derives from. */
PyTypeObject *look_base(PyObject *self);

#endif
