/* SPDX-License-Identifier: MIT */
/*
 * Python values to tokens, in the process that has them. Runs no code of the application: types are
 * told by their flags, and what is in an object is read in place.
 */
#ifndef FT_AGENT_VALUES_H
#define FT_AGENT_VALUES_H

#include "tokens.h"

/* A parameter of a call, or a result; first: no comma comes before it. */
void tokens_value(struct tokens_out *o, PyObject *value, bool first);
void tokens_redacted(struct tokens_out *o, bool first);
/* An exception that is raised: its type, and what str() of it is made of. value: the instance;
 * up to 3.11 also what one will be made from: its argument, a tuple of them, or NULL. */
void tokens_exception(struct tokens_out *o, PyObject *type, PyObject *value);

#endif
