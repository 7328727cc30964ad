/* SPDX-License-Identifier: MIT */
/*
 * A call, and what else happens, as people read it. Control characters are escaped
 * (base/safe_text.h).
 */
#ifndef FT_TEXT_CALL_H
#define FT_TEXT_CALL_H

#include "base/buf.h"
#include "model/span.h"

/* "shop.Cart.add" */
void text_name(struct buf *b, const struct function *f);
/* "shop.Cart.add(self=<Cart>, item=\"tea\")" */
void text_call(struct buf *b, const struct span *s);
/* " -> 3", " raised ValueError: too many", "  (not finished)" */
void text_end(struct buf *b, const struct span *s);
/* "GET /cart" */
void text_request(struct buf *b, const struct http *h);
/* "GC generation=2 collected=13" */
void text_runtime(struct buf *b, const struct runtime_event *r);
/* " in prod/shop-7d4b9/web", " in container 0123456789ab"; NULL: nothing */
void text_workload(struct buf *b, const struct workload *w);
/* "12.34 ms" */
void text_duration(struct buf *b, uint64_t ns);

#endif
