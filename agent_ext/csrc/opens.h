/* SPDX-License-Identifier: MIT */
/*
 * A program that opens its own log finds every call in it that has ended: what was recorded is
 * written before the file is opened, by this process or by one that it starts. The interpreter
 * says so by its audit events (PEP 578), so that a call costs nothing more.
 */
#ifndef FT_AGENT_OPENS_H
#define FT_AGENT_OPENS_H

#include "python.h"

#include "settings.h"

/* At each import. kept: what lasts as long as the interpreter. */
void opens_init(PyObject *kept);
/* A run begins, its file is open. From the first on the interpreter's events are listened to:
 * that cannot be taken back. */
void opens_run(const struct settings *s);

#endif
