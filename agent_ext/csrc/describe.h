/* SPDX-License-Identifier: MIT */
/*
 * What the trace is told of a function before its first call: file, names, parameters, and the
 * class that it belongs to.
 */
#ifndef FT_AGENT_DESCRIBE_H
#define FT_AGENT_DESCRIBE_H

#include "names.h"
#include "probes.h"

/* globals: of its frame; first: its first argument, or NULL. */
void code_describe(PyCodeObject *code, struct code_info *info, PyObject *globals, PyObject *first);
/* How probes name it; info may be NULL. */
struct probed_function code_probed(const struct code_info *info);

#endif
