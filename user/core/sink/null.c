/* SPDX-License-Identifier: MIT */
/*
 * Nothing: what a run costs without its output, or where only the summary is wanted.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/sink.h"

static int null_open(const char *dest, const struct sink_options *o, struct sink **ret_sink,
		     struct why *w)
{
	struct sink *s = calloc(1, sizeof(*s));

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	*ret_sink = s;
	return 0;
}

static int null_span(struct sink *s, const struct span *span, struct why *w)
{
	return 0;
}

static int null_request(struct sink *s, const struct request_span *r, struct why *w)
{
	return 0;
}

static int null_lost(struct sink *s, const struct loss *l, struct why *w)
{
	return 0;
}

static void null_free(struct sink *s)
{
	free(s);
}

const struct sink_ops sink_null = {
	.kind = "null",
	.open = null_open,
	.begin = null_span,
	.end = null_span,
	.request = null_request,
	.lost = null_lost,
	.free = null_free,
};
