/* SPDX-License-Identifier: MIT */
/*
 * Whole calls that a search keeps: those that it found, and if wanted those around them (callers)
 * and those that they made (callees). A call may be found by its last line when its first is long
 * gone, so the trace is read twice:
 *
 *     first:   kept_find() for each event, kept_found_all()
 *     second:  kept_has() for each event
 *
 * Memory is that of the calls found, and of those open at one time.
 */
#ifndef FT_TRACE_KEPT_H
#define FT_TRACE_KEPT_H

#include "calls/calls.h"

struct kept {
	bool callers, callees;
	struct trace_calls calls; /* open in the first reading; row not NULL: a line was found */
	struct map spans;	  /* span, 0 -> KEPT_... */
	struct map below;	  /* second reading: open calls that are found or below one */
	int err;
};

void kept_release(struct kept *k);
/* found: is something on this line itself; a call is kept when one of its lines was found and
 * the event that ends it is not left_out. 0 or -ENOMEM. */
int kept_find(struct kept *k, const struct trace_event *e, bool found);
int kept_found_all(struct kept *k);
/* Is the event one of a kept call? Of no call: is it found, and not left_out? 1, 0, -ENOMEM. */
int kept_has(struct kept *k, const struct trace_event *e, bool found);

#endif
