/* SPDX-License-Identifier: MIT */
/*
 * Which spans were seen: a bit for each, since the spans of one run follow one another.
 */
#ifndef FT_TRACE_SPAN_SET_H
#define FT_TRACE_SPAN_SET_H

#include "base/map.h"

struct span_set {
	struct map pages; /* span / SPANS_A_PAGE, 0 -> page, owned */
};

#define SPANS_A_PAGE 512
#define SPAN_SET_MANY UINT32_MAX /* as owner: of several */

void span_set_release(struct span_set *s);
/* 1: added; 0: it is there already, and *ret_owner has spans near it; -ENOMEM. */
int span_set_add(struct span_set *s, uint64_t span, uint32_t owner, uint32_t *ret_owner);

#endif
