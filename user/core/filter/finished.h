/* SPDX-License-Identifier: MIT */
/*
 * Which finished calls are written: slow ones, failed ones, or, if both are asked for, slow ones
 * that failed.
 */
#ifndef FT_FINISHED_H
#define FT_FINISHED_H

#include "model/span.h"

struct finished {
	uint64_t slower_ns; /* at least this many nanoseconds; 0 = not asked for */
	bool errors;	    /* left by an exception; of requests: status 500 and above */
};

static inline bool finished_asked(const struct finished *f)
{
	return f->slower_ns || f->errors;
}

/* A call whose end was lost may be any of these: it is written. One that is still running is
 * written if it is slow by now. */
bool finished_keep(const struct finished *f, const struct span *s);
/* No runtime event is an error; a kind that takes no time is not slow. */
bool finished_keep_runtime(const struct finished *f, const struct runtime_event *r);
bool finished_keep_request(const struct finished *f, const struct request_span *r);

#endif
