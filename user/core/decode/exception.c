/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/utf8.h"
#include "decode/exception.h"
#include "decode/pytext.h"

void exception_release(struct exception *e)
{
	buf_release(&e->message);
	buf_release(&e->full);
}

/* Counts the arguments up to END or STOP. */
static int count_args(struct tokens *t, unsigned *ret_n)
{
	struct token token;
	unsigned n = 0;
	bool simple;

	for (;; n++) {
		int err = token_next(t, &token);

		if (!err && token_opens(token.kind))
			err = tokens_skip(t, &simple);
		if (err)
			return err;
		if (token.kind == FT_T_END || token.kind == FT_T_STOP)
			break;
	}
	*ret_n = n;
	return 0;
}

/* str() of one argument: a string is itself, the rest is its repr. */
static int put_plain(struct pytext *x, struct tokens *t)
{
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	if (token.kind != FT_T_STR)
		return pytext_token(x, &token, t, 0);
	token_utf8(&token, x->out);
	x->cut |= token.cut;
	return 0;
}

/* "[Errno 2] No such file or directory: 'a' -> 'b'" */
static int put_os_error(struct pytext *x, struct tokens *t, unsigned n)
{
	static const char *const before[] = {"[Errno ", "] ", ": ", " -> "};
	int err = 0;

	for (unsigned i = 0; i < n && i < 4 && !err; i++) {
		buf_str(x->out, before[i]);
		err = i < 2 ? put_plain(x, t) : pytext_value(x, t, 0);
	}
	return err;
}

static int put_tuple(struct pytext *x, struct tokens *t, unsigned n)
{
	int err = 0;

	buf_char(x->out, '(');
	for (unsigned i = 0; i < n && !err; i++) {
		if (i)
			BUF_LITERAL(x->out, ", ");
		err = pytext_value(x, t, 0);
	}
	buf_char(x->out, ')');
	return err;
}

static int put_message(struct pytext *x, struct tokens *t, uint32_t kind, unsigned n)
{
	if (!n)
		return 0;
	if (n == 1)
		return kind == FT_KIND_EXC_KEY ? pytext_value(x, t, 0) : put_plain(x, t);
	return kind == FT_KIND_EXC_OS ? put_os_error(x, t, n) : put_tuple(x, t, n);
}

/* Cuts the message to max characters, which then ends in "...". */
static void limit(struct buf *b, unsigned max, struct text *m)
{
	size_t chars;

	if (b->len <= max)
		return;
	chars = utf8_count(b->s, b->len);
	if (chars <= max)
		return;
	m->original_len = m->cut ? 0 : chars;
	m->cut = true;
	b->len = utf8_prefix(b->s, b->len, max > 3 ? max - 3 : 0);
	BUF_LITERAL(b, "...");
}

/* The same, and keeps up to full_max characters of a message that is cut. */
static void limit_and_keep(struct exception *e, unsigned max, unsigned full_max, struct text *m)
{
	struct text full = {};

	buf_clear(&e->full);
	buf_add(&e->full, e->message.s, e->message.len);
	limit(&e->message, max, m);
	if (e->message.len == e->full.len)
		return;
	limit(&e->full, full_max, &full);
	m->full = e->full.s;
	m->full_len = e->full.len;
	m->original_len = full.original_len ?: utf8_count(e->full.s, e->full.len);
}

int exception_read(struct exception *e, struct tokens *t, const struct types *types, uint32_t pid,
		   unsigned max, unsigned full_max, struct text *ret_type, struct text *ret_message)
{
	struct pytext x = {.out = &e->message, .types = types, .pid = pid};
	const struct pytype *type;
	struct tokens ahead;
	struct token token;
	unsigned n;
	int err = token_next(t, &token);

	if (!err && token.kind != FT_T_EXC)
		err = -EBADMSG;
	if (err)
		return err;
	ahead = *t;
	err = count_args(&ahead, &n);
	if (err)
		return err;
	type = types_find(types, pid, token.word[0]);
	buf_clear(&e->message);
	err = put_message(&x, t, type ? type->kind : FT_KIND_EXC, n);
	if (err)
		return err;
	*ret_message = (struct text){.cut = x.cut || ahead.stopped};
	if (full_max)
		limit_and_keep(e, max, full_max, ret_message);
	else
		limit(&e->message, max, ret_message);
	ret_message->s = e->message.len ? e->message.s : "";
	ret_message->len = e->message.len;
	ret_type->s = type ? type->name : EXCEPTION_UNKNOWN;
	ret_type->len = strlen(ret_type->s);
	return e->message.failed || e->full.failed ? -ENOMEM : 0;
}
