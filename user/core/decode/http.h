/* SPDX-License-Identifier: MIT */
/* The texts of an HTTP request's record. */
#ifndef FT_DECODE_HTTP_H
#define FT_DECODE_HTTP_H

#include "decode/token.h"
#include "model/event.h"

struct http_reader {
	struct buf bytes;
	struct http http; /* borrows from bytes */
};

void http_release(struct http_reader *h);
/* Reads the tokens of FT_REC_HTTP_REQUEST with these flags into h->http, which is borrowed until
 * the next call. A server's request without an id gets one made from its number. -EBADMSG for
 * anything but texts and NONE, and for containers among a server's values. */
int http_read(struct http_reader *h, struct tokens *t, unsigned flags, uint64_t number);

#endif
