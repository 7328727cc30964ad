/* SPDX-License-Identifier: MIT */
/*
 * One event of a trace as a line for people.
 */
#ifndef FT_SHOW_EVENT_H
#define FT_SHOW_EVENT_H

#include "calls/event.h"

/* "2026-01-02 10:00:00.000000 MainThread 10/11  EXIT  shop.total = 3  12.3 ms" */
void show_event(const struct trace_event *e);

/* The pieces, appended as they are: not yet safe for a terminal. */
void event_put_label(struct buf *b, const struct trace_event *e);
void event_put_thread(struct buf *b, const struct trace_event *e);
/* "ValueError: Invalid input". */
void event_put_exception(struct buf *b, const struct trace_event *e);

#endif
