/* SPDX-License-Identifier: MIT */
/*
 * Between reader and analysis: which calls and requests are to be counted. A condition is true of
 * a call when it is with what its lines say together: arguments are on one, the result and the
 * duration on another. All events are passed on, so that times and callers stay as they are; those
 * that are not to be counted have left_out set.
 *
 *     ENTER      by what it says itself (a call that never ends is judged by that)
 *     EXCEPTION  by the lines of its call so far
 *     EXIT       by all lines of its call
 *
 * The same holds for HTTP_REQUEST and HTTP_RESPONSE. Memory is that of the calls open at one time.
 */
#ifndef FT_TRACE_FILTER_H
#define FT_TRACE_FILTER_H

#include "base/map.h"
#include "select/where.h"

struct trace_filter {
	struct where *where; /* owned; NULL: everything counts */
	bool by_line;	     /* each line is judged by itself */
	struct map open;     /* span, 0; or hash of the request, 1 -> the tests that were true */
};

int trace_filter_init(struct trace_filter *f, const char *condition, struct why *w);
void trace_filter_release(struct trace_filter *f);
/* Sets e->left_out. 0 or -ENOMEM. */
int trace_filter_event(struct trace_filter *f, struct trace_event *e);

#endif
