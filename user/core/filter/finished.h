/* SPDX-License-Identifier: MIT */
/*
 * Which calls are written, of those that are over: slow ones, ones that failed, or slow ones that
 * failed where both are asked for.
 */
#ifndef FT_FINISHED_H
#define FT_FINISHED_H

#include "model/span.h"

struct finished {
	uint64_t slower_ns; /* at least so long; 0 = not asked for */
	bool errors;	    /* left by an exception; of requests: status 500 and above */
};

static inline bool finished_asked(const struct finished *f)
{
	return f->slower_ns || f->errors;
}

/* A call whose end was lost may be any: it is written. One that is not over is when it is slow by
 * now. */
bool finished_keep(const struct finished *f, const struct span *s);
bool finished_keep_request(const struct finished *f, const struct request_span *r);

#endif
