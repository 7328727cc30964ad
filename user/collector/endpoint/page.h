/* SPDX-License-Identifier: MIT */
/* What the endpoint answers, from a state of the run. */
#ifndef FT_ENDPOINT_PAGE_H
#define FT_ENDPOINT_PAGE_H

#include "base/buf.h"
#include "endpoint/endpoint.h"

/* Appends the text of that path; returns the status: 200, 404, or 503 where it is not so. */
unsigned page_of(const char *path, const struct endpoint_state *s, uint64_t now_ns,
		 struct buf *ret_text);

#endif
