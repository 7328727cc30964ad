/* SPDX-License-Identifier: MIT */
/*
 * Requests have two writers. The in-process agent sends five finished texts. BPF sends the server's
 * own values, from which this file makes the same texts as the agent (wsgi.c, asgi.c).
 */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "decode/http.h"

enum { TEXT_ID, TEXT_METHOD, TEXT_PATH, TEXT_ADDRESS, TEXT_AGENT, TEXTS };

/* Limits in characters. BPF sends as many bytes of a server's value as these may take. */
static const size_t most[TEXTS] = {
	[TEXT_ID] = FT_HTTP_MOST_ID,	   [TEXT_METHOD] = FT_HTTP_MOST_METHOD,
	[TEXT_PATH] = FT_HTTP_MOST_PATH,   [TEXT_ADDRESS] = FT_HTTP_MOST_ADDRESS,
	[TEXT_AGENT] = FT_HTTP_MOST_AGENT,
};

#define DOTS "..."
#define DOTS_LEN (sizeof(DOTS) - 1)

void http_release(struct http_reader *h)
{
	buf_release(&h->bytes);
}

/* Appends one text; *ret_known: there is one. */
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

/* Are these bytes: a header, or a WSGI server's str, whose characters are bytes (PEP 3333)? False:
 * it is text. */
static bool is_bytes(const struct token *t, bool wsgi)
{
	return t->kind == FT_T_BYTES || (wsgi && t->kind == FT_T_STR && t->width == 1);
}

/* Appends bytes of which each is one character. */
static void put_latin1(struct buf *out, const struct token *t)
{
	struct token text = *t;

	text.width = 1;
	token_utf8(&text, out);
}

/* Appends a server's value. A value that is neither str nor bytes counts as missing. */
static int read_value(struct buf *out, struct tokens *t, bool wsgi, bool latin1, bool *ret_known)
{
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	if (token_opens(token.kind))
		return -EBADMSG;
	*ret_known = token.kind == FT_T_STR || token.kind == FT_T_BYTES;
	if (!*ret_known)
		return 0;
	if (latin1 && token.cut)
		*ret_known = false; /* a cut id is not an id */
	else if (!is_bytes(&token, wsgi))
		token_utf8(&token, out);
	else if (latin1)
		put_latin1(out, &token);
	else
		token_bytes_utf8(&token, out);
	return 0;
}

/* ---- an id -------------------------------------------------------------------------------- */

/* Is this valid as a header's value, and within the limit? */
static bool is_id(const char *s, size_t len)
{
	const char *end = s + len;
	size_t n = 0;

	for (; s < end; n++) {
		uint32_t c = utf8_get(&s, end);

		if (c < ' ' || (c > '~' && c < 0xa0) || c > 0xff)
			return false;
	}
	return n > 0 && n <= most[TEXT_ID];
}

/* The finalizer of splitmix64: every bit of the result depends on every bit of x. */
static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A UUID (version 4 of RFC 4122) made from the request's number, which is random: a recording
 * always gives the same id. */
static void put_uuid(struct buf *out, uint64_t number)
{
	uint64_t half[2] = {mixed(number), mixed(~number)};
	char text[37], *p = text;

	half[0] = (half[0] & ~0xf000ULL) | 0x4000;
	half[1] = (half[1] & ~(3ULL << 62)) | 2ULL << 62;
	for (int i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			*p++ = '-';
		*p++ = "0123456789abcdef"[half[i / 16] >> (60 - 4 * (i % 16)) & 15];
	}
	buf_add(out, text, p - text);
}

/* ---- requests ----------------------------------------------------------------------------- */

static int finish(struct http_reader *h, struct text *const text[TEXTS], const bool known[TEXTS])
{
	size_t at = 0;

	if (!buf_room(&h->bytes, 1) || h->bytes.failed)
		return -ENOMEM;
	for (int i = 0; i < TEXTS; i++) {
		if (known[i])
			text[i]->s = h->bytes.s + at;
		at += text[i]->len;
	}
	return 0;
}

/* Does the path begin with its mount point? Some ASGI servers send both as one. */
static bool is_whole(const struct buf *b, size_t root, size_t path)
{
	size_t len = path - root;

	return b->len - path >= len && !memcmp(b->s + root, b->s + path, len);
}

/* Appends the mount point, then the path below it. */
static int read_path(struct buf *out, struct tokens *t, bool wsgi, bool *ret_known)
{
	size_t root = out->len, path;
	bool mounted, known;
	int err = read_value(out, t, wsgi, false, &mounted);

	path = out->len;
	if (!err)
		err = read_value(out, t, wsgi, false, &known);
	if (err)
		return err;
	if (!wsgi && !out->failed && (!known || is_whole(out, root, path))) {
		memmove(out->s + root, out->s + path, out->len - path);
		out->len -= path - root;
	}
	*ret_known = known || (wsgi && mounted);
	return 0;
}

/* Cuts the text from `start` on to n characters, dots included. */
static void shorten(struct buf *b, size_t start, size_t n)
{
	const char *s = b->s + start;
	size_t len = b->len - start;

	if (b->failed || utf8_count(s, len) <= n)
		return;
	b->len = start + utf8_prefix(s, len, n - DOTS_LEN);
	BUF_LITERAL(b, DOTS);
}

/* Reads text i of the request. */
static int read_one(struct buf *out, struct tokens *t, int i, unsigned flags, bool *ret_known)
{
	bool wsgi = flags & FT_HTTP_WSGI;
	size_t start = out->len;
	int err;

	if (!(flags & (FT_HTTP_WSGI | FT_HTTP_ASGI)))
		return read_text(out, t, ret_known);
	if (i == TEXT_PATH)
		err = read_path(out, t, wsgi, ret_known);
	else
		err = read_value(out, t, wsgi, i == TEXT_ID, ret_known);
	if (!err && i != TEXT_ID)
		shorten(out, start, most[i]);
	return err;
}

int http_read(struct http_reader *h, struct tokens *t, unsigned flags, uint64_t number)
{
	struct text *const text[TEXTS] = {
		[TEXT_ID] = &h->http.id,
		[TEXT_METHOD] = &h->http.method,
		[TEXT_PATH] = &h->http.path,
		[TEXT_ADDRESS] = &h->http.remote_addr,
		[TEXT_AGENT] = &h->http.user_agent,
	};
	bool known[TEXTS] = {};

	h->http = (struct http){};
	buf_clear(&h->bytes);
	for (int i = 0; i < TEXTS; i++) {
		size_t before = h->bytes.len;
		int err = read_one(&h->bytes, t, i, flags, &known[i]);

		if (err)
			return err;
		if (i == TEXT_ID && flags & (FT_HTTP_WSGI | FT_HTTP_ASGI) &&
		    !(known[i] && is_id(h->bytes.s, h->bytes.len))) {
			buf_clear(&h->bytes);
			put_uuid(&h->bytes, number);
			known[i] = true;
		}
		text[i]->len = h->bytes.len - before;
	}
	return finish(h, text, known);
}
