/* SPDX-License-Identifier: MIT */
/*
 * Which part of a trace is looked at: one thread, one request, the calls of one function
 * and what they called.
 */
#ifndef FT_TRACE_SCOPE_H
#define FT_TRACE_SCOPE_H

#include "calls/functions.h"

struct trace_scope {
	const char *thread;   /* its name (a pattern), tid, or pid/tid; NULL: all */
	const char *request;  /* request_id; NULL: all */
	const char *function; /* its name or label (a pattern); NULL: all */
	struct buf label;     /* scratch */
};

void trace_scope_release(struct trace_scope *s);
/* Of the right thread and request? */
bool trace_scope_has(struct trace_scope *s, const struct trace_event *e);
/* Does what is looked at begin with a call of this one? */
bool trace_scope_begins(struct trace_scope *s, const struct trace_function *f);

#endif
