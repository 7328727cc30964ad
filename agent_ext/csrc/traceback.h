/* SPDX-License-Identifier: MIT */
/*
 * Which way an exception came: the entries of its traceback as tokens (FT_RAISE_STACK in
 * ft_abi.h). Runs no code of the application.
 */
#ifndef FT_AGENT_TRACEBACK_H
#define FT_AGENT_TRACEBACK_H

#include "ft_abi.h"
#include "tokens.h"

/* Bytes that a whole stack takes at most; o->size must leave them. */
#define TRACEBACK_BYTES (FT_MAX_STACK * 8704 + 512)

/* traceback: borrowed; NULL or no traceback: there are no entries. Without the room: STOP. */
void tokens_traceback(struct tokens_out *o, PyObject *traceback);

#endif
