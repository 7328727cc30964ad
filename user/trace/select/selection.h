/* SPDX-License-Identifier: MIT */
/*
 * Whole calls that a search keeps: those that it found, and if wanted those around them (callers)
 * and those that they made (callees). A call may be found by its last line when its first is long
 * gone, so the trace is read twice:
 *
 *     first:   selection_find() for each event, selection_found_all()
 *     second:  selection_has() for each event
 *
 * Memory is that of the calls found, and of those open at one time.
 */
#ifndef FT_TRACE_SELECTION_H
#define FT_TRACE_SELECTION_H

#include "calls/calls.h"

struct selection {
	bool callers, callees;
	struct trace_calls calls; /* open in the first reading; row not NULL: a line was found */
	struct map spans;	  /* span, 0 -> SELECTED_... */
	struct map below;	  /* second reading: open calls that are found or below one */
	int err;
};

void selection_release(struct selection *k);
/* found: is something on this line itself; a call is kept when one of its lines was found and
 * the event that ends it is not left_out. 0 or -ENOMEM. */
int selection_find(struct selection *k, const struct trace_event *e, bool found);
int selection_found_all(struct selection *k);
/* Is the event one of a kept call? Of no call: is it found, and not left_out? 1, 0, -ENOMEM. */
int selection_has(struct selection *k, const struct trace_event *e, bool found);

#endif
