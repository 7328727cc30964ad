/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "node/api/cut.h"

#define DEPTH_MAX 1000 /* brackets; the parser takes far fewer */
#define REST_MAX 65536 /* bytes around the items of a list */
#define ITEM_DEPTH 2   /* brackets around an item: {"items":[ */

void cut_init(struct cut *c, bool list, int (*item)(void *arg, const char *s, size_t len),
	      void *arg)
{
	*c = (struct cut){.list = list, .item = item, .arg = arg};
}

void cut_release(struct cut *c)
{
	buf_release(&c->document);
	buf_release(&c->rest);
}

static int add(struct cut *c, const char *s, size_t len)
{
	if (c->too_long)
		return 0;
	if (c->document.len + len > CUT_MAX) {
		c->too_long = true;
		c->left_out++;
		return 0;
	}
	buf_add(&c->document, s, len);
	return c->document.failed ? -ENOMEM : 0;
}

static int end_document(struct cut *c)
{
	int err = 0;

	if (!c->too_long && c->document.len)
		err = c->item(c->arg, c->document.s, c->document.len);
	buf_clear(&c->document);
	c->too_long = false;
	return err;
}

/* ---- a watch ------------------------------------------------------------------------------- */

static int feed_lines(struct cut *c, const char *s, size_t len)
{
	const char *end = s + len;
	int err = 0;

	while (!err && s < end) {
		const char *next = memchr(s, '\n', end - s);

		err = add(c, s, (next ?: end) - s);
		if (!err && next)
			err = end_document(c);
		s = next ? next + 1 : end;
	}
	return err;
}

/* ---- a list -------------------------------------------------------------------------------- */

/* A quote begins or ends a string. Of those at depth 1 it is noted whether they are "items". */
static void on_quote(struct cut *c)
{
	c->in_string = !c->in_string;
	if (c->depth != 1)
		return;
	if (c->in_string)
		c->string = c->rest.len;
	else
		c->is_items = c->rest.len - c->string == sizeof("items\"") - 1 &&
			      !memcmp(c->rest.s + c->string, "items\"", sizeof("items\"") - 1);
}

static int on_open(struct cut *c, char bracket)
{
	if (c->depth == 1)
		c->in_items = bracket == '[' && c->is_items;
	return ++c->depth > DEPTH_MAX ? -EBADMSG : 0;
}

/* Follows the brackets and strings; they are not checked, the parser does that. */
static int follow(struct cut *c, char byte)
{
	if (c->in_string && c->escaped) {
		c->escaped = false;
	} else if (c->in_string && byte == '\\') {
		c->escaped = true;
	} else if (byte == '"') {
		on_quote(c);
	} else if (c->in_string) {
		return 0;
	} else if (byte == '{' || byte == '[') {
		return on_open(c, byte);
	} else if (byte == '}' || byte == ']') {
		if (c->depth)
			c->depth--;
		c->in_items &= c->depth >= ITEM_DEPTH;
	} else if (c->depth == 1 && byte == ',') {
		c->is_items = false;
	}
	return 0;
}

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static int to_rest(struct cut *c, char byte)
{
	if (c->rest.len >= REST_MAX)
		return -EMSGSIZE;
	buf_char(&c->rest, byte);
	return c->rest.failed ? -ENOMEM : 0;
}

/* Where a byte belongs depends on what was before it and on itself. */
static int feed_byte(struct cut *c, char byte)
{
	bool inside = c->in_items && (c->depth > ITEM_DEPTH || c->in_string);
	bool between = c->in_items && !inside;
	int err;

	if (!between && !inside && (err = to_rest(c, byte)))
		return err;
	err = follow(c, byte);
	if (err)
		return err;
	if (!c->in_items)
		return between ? end_document(c) ?: to_rest(c, byte) : 0; /* the last bracket */
	if (between && byte == ',' && !c->in_string)
		return end_document(c);
	if (inside || (between && !is_blank(byte)))
		return add(c, &byte, 1);
	return 0;
}

static int feed_list(struct cut *c, const char *s, size_t len)
{
	int err = 0;

	for (size_t i = 0; !err && i < len; i++)
		err = feed_byte(c, s[i]);
	return err;
}

/* ---- both ---------------------------------------------------------------------------------- */

int cut_feed(struct cut *c, const char *s, size_t len)
{
	return c->list ? feed_list(c, s, len) : feed_lines(c, s, len);
}

const char *cut_rest(struct cut *c, size_t *ret_len)
{
	if (!c->list || c->depth || c->in_string || !c->rest.len)
		return NULL;
	*ret_len = c->rest.len;
	return c->rest.s;
}
