/* SPDX-License-Identifier: MIT */
/*
 * flowctl tree --every: each call as it comes, indented by its callers. Memory is that of the
 * calls open at one time.
 */
#ifndef FT_EVERY_CALL_H
#define FT_EVERY_CALL_H

#include "base/map.h"
#include "select/scope.h"

struct every_call {
	struct trace_scope scope;
	bool values, json, flush;
	uint32_t deepest;

	struct trace_functions functions;
	struct map depth; /* span, 0 -> how deep, from 1 */
	uint64_t in_scope;
	/* A call that has begun and is not printed: should it end at once, one line will do. */
	struct buf held; /* the event's line */
	struct buf json_text;
	bool holds;
	uint64_t held_span;
	uint32_t held_depth;
};

void every_call_release(struct every_call *c);
/* 0 or -ENOMEM. */
int every_call_add(struct every_call *c, const struct trace_event *e);
void every_call_finish(struct every_call *c);

#endif
