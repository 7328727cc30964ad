/* SPDX-License-Identifier: MIT */
/*
 * The functions of walk.py, for the files of this folder that speak to it.
 */
#ifndef FT_WALK_H
#define FT_WALK_H

#include <Python.h>

/* Calls one with the bytes; a new reference, or NULL with Python's error set. */
PyObject *walk_call(const char *function, const char *source, size_t len);

#endif
