/* SPDX-License-Identifier: MIT */
/*
 * Writes nothing: to measure a run without its output, or when only the summary is wanted.
 */
#include "sink/sink.h"

static int null_span(struct sink *s, const struct span *span, struct why *w)
{
	return 0;
}

static int null_request(struct sink *s, const struct request_span *r, struct why *w)
{
	return 0;
}

static int null_runtime(struct sink *s, const struct runtime_event *r, struct why *w)
{
	return 0;
}

static int null_lost(struct sink *s, const struct loss *l, struct why *w)
{
	return 0;
}

static int null_left_out(struct sink *s, const struct left_out *l, struct why *w)
{
	return 0;
}

static int null_state(struct sink *s, const struct state_change *c, struct why *w)
{
	return 0;
}

const struct sink_ops sink_null = {
	.kind = "null",
	.size = sizeof(struct sink),
	.begin = null_span,
	.end = null_span,
	.request = null_request,
	.runtime = null_runtime,
	.lost = null_lost,
	.left_out = null_left_out,
	.state = null_state,
};
