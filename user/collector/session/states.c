/* SPDX-License-Identifier: MIT */
#include "base/clock.h"
#include "states.h"

static int tell(struct states *s, uint64_t ts_ns, enum ft_state state, enum ft_state_reason reason)
{
	struct ft_rec_state rec = {
		.hdr = {.size = sizeof(rec), .type = FT_REC_STATE, .ts_ns = ts_ns},
		.state = state,
		.reason = reason,
	};

	return pipeline_record(s->pipeline, &rec.hdr, sizeof(rec));
}

int states_attached(struct states *s)
{
	if (s->attached)
		return 0;
	s->attached = true;
	return tell(s, clock_ns(CLOCK_MONOTONIC), FT_STATE_attached, FT_REASON_NONE);
}

void states_ending(struct states *s)
{
	s->end_ns = clock_ns(CLOCK_MONOTONIC);
}

int states_detached(struct states *s, enum ft_state_reason reason)
{
	return s->attached ? tell(s, s->end_ns, FT_STATE_detached, reason) : 0;
}
