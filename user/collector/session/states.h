/* SPDX-License-Identifier: MIT */
/*
 * Tells in the trace of a node (--all) when its tracing began and ended, so that a reader sees what
 * was not traced: what is between the end of one run and the begin of the next. Other runs begin
 * and end with their targets, and tell nothing.
 */
#ifndef FT_STATES_H
#define FT_STATES_H

#include "ft_state.h"
#include "pipeline.h"

struct states {
	struct pipeline *pipeline; /* borrowed */
	bool attached;		   /* it was told */
	uint64_t end_ns;	   /* of states_ending() */
};

/* Once; a second time does nothing. */
int states_attached(struct states *s);
/* The hooks come out now. */
void states_ending(struct states *s);
/* Called when all that was seen is written. Does nothing if the run was never attached. */
int states_detached(struct states *s, enum ft_state_reason reason);

#endif
