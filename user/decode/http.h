/* SPDX-License-Identifier: MIT */
/* What an HTTP request's record says, as text. */
#ifndef FT_DECODE_HTTP_H
#define FT_DECODE_HTTP_H

#include "decode/token.h"
#include "model/event.h"

struct http_reader {
	struct buf bytes;
	struct http http; /* borrows from bytes */
};

void http_release(struct http_reader *h);
/* Reads the tokens of FT_REC_HTTP_REQUEST into h->http, borrowed until the next. -EBADMSG for
 * anything but texts and NONE. */
int http_read(struct http_reader *h, struct tokens *t);

#endif
