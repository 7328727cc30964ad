/* SPDX-License-Identifier: MIT */
/*
 * Lines of a trace as JSON text. Each function appends whole lines, with the newline; false without
 * memory.
 */
#ifndef FT_LINE_H
#define FT_LINE_H

#include "base/buf.h"
#include "model/span.h"

enum line_type { LINE_ENTER, LINE_EXIT, LINE_EXCEPTION };

/* "ENTER" */
const char *line_event(enum line_type type);
/* A line of a call. A failed call has two: EXCEPTION, then EXIT. file: the name of the segment that
 * has the full text of what was cut, escaped for JSON; NULL = none. */
bool line_call(struct buf *out, enum line_type type, const struct span *s, const char *file);
/* HTTP_REQUEST at its begin, HTTP_RESPONSE at its end. */
bool line_request(struct buf *out, const struct request_span *r);
bool line_runtime(struct buf *out, const struct runtime_event *r);
bool line_lost(struct buf *out, const struct loss *l);
bool line_left_out(struct buf *out, const struct left_out *l);
bool line_state(struct buf *out, const struct state_change *c);

/* The args of ENTER, the result of EXIT; NULL: EXCEPTION has neither. */
static inline const struct text *line_value(enum line_type type, const struct span *s)
{
	return type == LINE_ENTER ? &s->args : type == LINE_EXIT ? &s->result : NULL;
}

#endif
