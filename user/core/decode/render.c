/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"
#include "decode/render_value.h"

/* ---- room --------------------------------------------------------------------- */

/* Characters to keep free after this point, if it closes `ends` containers. */
static size_t reserve(const struct render *r, unsigned ends)
{
	size_t sum = r->cut_close_sum;

	for (unsigned i = 0; i < ends && i < r->depth; i++)
		sum -= r->cut_close[r->depth - 1 - i] - 1;
	return sum;
}

static size_t count(struct render *r)
{
	r->chars += utf8_count(r->out.s + r->counted, r->out.len - r->counted);
	r->counted = r->out.len;
	return r->chars;
}

/* How many containers end right after the value that was just written. */
static unsigned ends_after(const struct render *r, const struct tokens *t)
{
	bool last;
	unsigned n = tokens_ends(t, &last);

	last = last && r->root_open && r->param == r->function->nparams;
	return last && !r->function->more_params ? n + 1 : n;
}

static bool fits(struct render *r, const struct tokens *t)
{
	return !r->limited || count(r) + reserve(r, ends_after(r, t)) <= r->max;
}

/* The string from `start` on: shortened when it does not fit whole. */
static int fit_string(struct render *r, const struct tokens *t, size_t start)
{
	size_t before, used;

	if (!r->limited)
		return 0;
	before = r->chars + utf8_count(r->out.s + r->counted, start - r->counted);
	if (fits(r, t))
		return 0;
	used = before + reserve(r, ends_after(r, t));
	if (used > r->max || !json_cut_string(&r->out, start, r->max - used))
		return RENDER_NO_ROOM;
	r->chars = before;
	r->counted = start;
	r->cut = true;
	return 0;
}

static int fit(struct render *r, const struct tokens *t)
{
	return fits(r, t) ? 0 : RENDER_NO_ROOM;
}

/* ---- values that are not containers ------------------------------------------- */

/* scratch as a JSON string. */
static int put_scratch(struct render *r, const struct tokens *t)
{
	size_t start = r->out.len;

	if (r->scratch.failed)
		return -ENOMEM;
	json_string(&r->out, r->scratch.s, r->scratch.len);
	return r->out.failed ? -ENOMEM : fit_string(r, t, start);
}

static int put_text(struct render *r, const struct token *token, const struct tokens *t)
{
	size_t start = r->out.len;

	r->cut |= token->cut;
	if (!token->cut && token->width == 1 && utf8_is_ascii((const char *)token->p, token->len)) {
		json_string(&r->out, (const char *)token->p, token->len);
		return r->out.failed ? -ENOMEM : fit_string(r, t, start);
	}
	buf_clear(&r->scratch);
	token_utf8(token, &r->scratch);
	return put_scratch(r, t);
}

static int put_literal(struct render *r, const char *s, size_t len, const struct tokens *t)
{
	buf_add(&r->out, s, len);
	return fit(r, t);
}

static int put_int(struct render *r, int64_t v, const struct tokens *t)
{
	char *room = buf_room(&r->out, NUMBER_MAX);

	if (!room)
		return -ENOMEM;
	r->out.len += number_i64(room, v) - room;
	return fit(r, t);
}

static int put_float(struct render *r, const struct token *token, const struct tokens *t)
{
	char *room = buf_room(&r->out, NUMBER_MAX);
	double v;

	memcpy(&v, token->word, sizeof(v));
	if (!room)
		return -ENOMEM;
	if (isnan(v))
		return put_literal(r, "\"NaN\"", 5, t);
	if (isinf(v))
		return v < 0 ? put_literal(r, "\"-Infinity\"", 11, t)
			     : put_literal(r, "\"Infinity\"", 10, t);
	r->out.len += number_float(room, v) - room;
	return fit(r, t);
}

static int put_intbits(struct render *r, uint64_t bits, const struct tokens *t)
{
	struct pytext x = render_pytext(r, &r->scratch);

	buf_clear(&r->scratch);
	pytext_intbits(&x, bits);
	json_string(&r->out, r->scratch.s, r->scratch.len);
	r->cut = true;
	return fit(r, t);
}

static int put_bigint(struct render *r, const struct token *token, const struct tokens *t)
{
	struct pytext x = render_pytext(r, &r->out);
	uint64_t bits = number_bits((const void *)token->p, token->len / sizeof(uint32_t));
	struct render_mark start = render_mark(r);
	int err;

	/* log10(2) > 0.3: the number of bits alone shows that the decimal text is too long. */
	if (bits * 3 / 10 > r->max || bits > BIGINT_MAX_DIGITS * 30)
		return put_intbits(r, bits, t);
	err = pytext_bigint(&x, token);
	if (err)
		return err;
	if (r->out.len - start.len <= r->max)
		return fit(r, t);
	render_take_back(r, &start);
	return put_intbits(r, bits, t);
}

/* A value that JSON does not have: its repr() as a string. */
static int put_python(struct render *r, const struct token *token, struct tokens *t)
{
	struct pytext x = render_pytext(r, &r->scratch);
	int err = 0;

	buf_clear(&r->scratch);
	if (token->kind == FT_T_BYTES || token->kind == FT_T_BYTEARRAY)
		pytext_bytes(&x, token, false);
	else
		err = pytext_token(&x, token, t, r->depth);
	r->cut |= x.cut;
	return err ? err : put_scratch(r, t);
}

static int put_dots(struct render *r, const struct tokens *t)
{
	r->cut = true;
	return put_literal(r, JSON_DOTS, LEN(JSON_DOTS), t);
}

/* ---- containers --------------------------------------------------------------- */

/*
 * Containers that end right after this one are not cut: each needs one character to close, not the
 * closer of a cut container. Only called when it is certain that this one can be closed, cut or
 * not.
 */
static void settle(struct render *r, unsigned ends)
{
	r->cut_close_sum = reserve(r, ends);
	for (unsigned i = 0; i < ends && i < r->depth; i++)
		r->cut_close[r->depth - 1 - i] = 1;
}

static int open_limited(struct render *r, size_t first, struct tokens inside)
{
	unsigned ends = 0;
	bool simple;

	/* args, the outermost, has no END and nothing around it. */
	if (r->depth || !r->root_open) {
		int err = tokens_skip(&inside, &simple);

		if (err)
			return err;
		ends = inside.stopped ? 0 : ends_after(r, &inside);
	}
	if (count(r) + first + reserve(r, ends) > r->max)
		return RENDER_NO_ROOM;
	settle(r, ends);
	return 0;
}

int render_open(struct render *r, bool object, const struct tokens *t)
{
	size_t first = object ? LEN(CUT_OBJECT) - 2 : LEN(CUT_ARRAY) - 2;
	int err;

	if (r->depth >= sizeof(r->cut_close))
		return -EBADMSG;
	buf_char(&r->out, object ? '{' : '[');
	err = r->limited ? open_limited(r, first, *t) : 0;
	if (err)
		return err;
	r->cut_close[r->depth] = object ? LEN(CUT_OBJECT) : LEN(CUT_ARRAY);
	r->cut_close_sum += r->cut_close[r->depth++];
	return 0;
}

void render_close(struct render *r, bool object, bool cut, bool empty)
{
	r->cut_close_sum -= r->cut_close[--r->depth];
	if (!cut) {
		buf_char(&r->out, object ? '}' : ']');
		return;
	}
	r->cut = true;
	if (object)
		buf_add(&r->out, CUT_OBJECT + 2 * empty, LEN(CUT_OBJECT) - 2 * empty);
	else
		buf_add(&r->out, CUT_ARRAY + 2 * empty, LEN(CUT_ARRAY) - 2 * empty);
}

static int key(struct render *r, struct tokens *t)
{
	struct pytext x = render_pytext(r, &r->scratch);
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	buf_clear(&r->scratch);
	if (token.kind == FT_T_STR) {
		token_utf8(&token, &r->scratch);
		r->cut |= token.cut;
	} else {
		err = pytext_token(&x, &token, t, r->depth);
		r->cut |= x.cut;
	}
	if (err)
		return err;
	json_string(&r->out, r->scratch.s, r->scratch.len);
	BUF_LITERAL(&r->out, ": ");
	return r->out.failed || r->scratch.failed ? -ENOMEM : 0;
}

static int element(struct render *r, struct tokens *t, bool object)
{
	int err;

	if (tokens_peek(t) == FT_T_CUT) {
		struct token token;

		err = token_next(t, &token);
		if (object)
			BUF_LITERAL(&r->out, JSON_DOTS ": ");
		return err ? err : put_dots(r, t);
	}
	err = object ? key(r, t) : 0;
	return err ? err : render_any(r, t);
}

/* The container is full: the rest of it, from `rest` on, is skipped. */
static int cut_container(struct render *r, bool object, bool empty, const struct tokens *rest,
			 struct tokens *t)
{
	bool simple;

	render_close(r, object, true, empty);
	*t = *rest;
	return tokens_skip(t, &simple);
}

/* Elements up to END or STOP, and the closing. */
static int elements(struct render *r, struct tokens *t, bool object)
{
	bool empty = true;

	for (;; empty = false) {
		struct tokens from_here = *t;
		struct render_mark start = render_mark(r);
		struct token token;
		int err;

		if (tokens_peek(t) == FT_T_END || tokens_peek(t) == FT_T_STOP) {
			err = token_next(t, &token);
			render_close(r, object, token.kind == FT_T_STOP, empty);
			return err;
		}
		if (!empty)
			BUF_LITERAL(&r->out, ", ");
		err = element(r, t, object);
		if (err < 0)
			return err;
		if (err == RENDER_NO_ROOM) {
			render_take_back(r, &start);
			return cut_container(r, object, empty, &from_here, t);
		}
	}
}

static int container(struct render *r, bool object, struct tokens *t)
{
	struct token token;
	int err;

	if (tokens_peek(t) == FT_T_END) {
		err = token_next(t, &token);
		return err ? err : put_literal(r, object ? "{}" : "[]", 2, t);
	}
	err = render_open(r, object, t);
	return err ? err : elements(r, t, object);
}

int render_any(struct render *r, struct tokens *t)
{
	struct token token;
	int err = token_next(t, &token);

	if (err)
		return err;
	switch (token.kind) {
	case FT_T_NONE:
		return put_literal(r, "null", 4, t);
	case FT_T_TRUE:
		return put_literal(r, "true", 4, t);
	case FT_T_FALSE:
		return put_literal(r, "false", 5, t);
	case FT_T_INT:
		return put_int(r, (int64_t)token.word[0], t);
	case FT_T_BIGINT:
		return put_bigint(r, &token, t);
	case FT_T_INTBITS:
		return put_intbits(r, token.word[0], t);
	case FT_T_FLOAT:
		return put_float(r, &token, t);
	case FT_T_STR:
		return put_text(r, &token, t);
	case FT_T_BYTES:
	case FT_T_BYTEARRAY:
	case FT_T_OBJECT:
	case FT_T_EXC:
		return put_python(r, &token, t);
	case FT_T_UNREADABLE:
		return put_literal(r, "\"<unreadable>\"", 14, t);
	case FT_T_REDACTED:
		return put_literal(r, "\"***\"", 5, t);
	case FT_T_CUT:
	case FT_T_DEEP:
		return put_dots(r, t);
	case FT_T_STOP:
		return RENDER_NO_ROOM;
	case FT_T_DICT:
		return container(r, true, t);
	case FT_T_END:
		return -EBADMSG;
	}
	return container(r, false, t);
}
