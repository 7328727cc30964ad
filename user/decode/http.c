/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "decode/http.h"

#define TEXTS 5

void http_release(struct http_reader *h)
{
	buf_release(&h->bytes);
}

/* Appends one; *ret_known: it is a text. */
static int read_text(struct buf *out, struct tokens *t, bool *ret_known)
{
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	*ret_known = token.kind == FT_T_STR;
	if (*ret_known)
		token_utf8(&token, out);
	return *ret_known || token.kind == FT_T_NONE || token.kind == FT_T_STOP ? 0 : -EBADMSG;
}

int http_read(struct http_reader *h, struct tokens *t)
{
	struct text *text[TEXTS] = {&h->http.id, &h->http.method, &h->http.path,
				    &h->http.remote_addr, &h->http.user_agent};
	bool known[TEXTS] = {};
	size_t at = 0;

	h->http = (struct http){};
	buf_clear(&h->bytes);
	for (int i = 0; i < TEXTS; i++) {
		size_t before = h->bytes.len;
		int err = read_text(&h->bytes, t, &known[i]);

		if (err)
			return err;
		text[i]->len = h->bytes.len - before;
	}
	if (!buf_room(&h->bytes, 1) || h->bytes.failed)
		return -ENOMEM;
	for (int i = 0; i < TEXTS; i++) {
		if (known[i])
			text[i]->s = h->bytes.s + at;
		at += text[i]->len;
	}
	return 0;
}
