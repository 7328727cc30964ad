/* SPDX-License-Identifier: MIT */
#include "base/runtime_kind.h"
#include "filter/finished.h"

static bool keeps(const struct finished *f, uint64_t ns, bool failed)
{
	return ns >= f->slower_ns && (failed || !f->errors);
}

bool finished_keep(const struct finished *f, const struct span *s)
{
	return s->lost || keeps(f, span_ns(s->start_ns, s->end_ns), s->exception);
}

bool finished_keep_request(const struct finished *f, const struct request_span *r)
{
	return keeps(f, span_ns(r->start_ns, r->end_ns), r->http->status >= 500);
}

bool finished_keep_runtime(const struct finished *f, const struct runtime_event *r)
{
	return !runtime_kinds[r->kind].timed || span_ns(r->start_ns, r->end_ns) >= f->slower_ns;
}
