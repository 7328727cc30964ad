/* SPDX-License-Identifier: MIT */
/*
 * What the trace is told of a function before its first call: file, names, parameters, and the
 * class that it belongs to.
 */
#ifndef FT_AGENT_DESCRIBE_H
#define FT_AGENT_DESCRIBE_H

#include "names.h"

/* globals: of its frame; first: its first argument, or NULL. */
void code_describe(PyCodeObject *code, struct code_info *info, PyObject *globals, PyObject *first);
/* "module.Class" or "module", and the bare name; info may be NULL. */
const char *code_class(const struct code_info *info);
const char *code_name(const struct code_info *info);

/* A class that a record names. */
void type_announce(PyTypeObject *type);

#endif
