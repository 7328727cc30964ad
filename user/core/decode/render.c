/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"
#include "decode/render.h"

/* Not an error: the element did not fit, or its value is missing. Whoever opened the
 * container takes back what was written of it and cuts there. */
#define NO_ROOM 1

#define CUT_ARRAY ", " JSON_DOTS "]"
#define CUT_OBJECT ", " JSON_DOTS ": " JSON_DOTS "}"
#define LEN(literal) (sizeof(literal) - 1)

void render_release(struct render *r)
{
	buf_release(&r->out);
	buf_release(&r->full);
	buf_release(&r->scratch);
}

/* ---- room --------------------------------------------------------------------- */

/* Characters that must stay free after this point, when it closes `ends` containers. */
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
	size_t before = r->chars, used;

	if (fits(r, t))
		return 0;
	before = r->chars - utf8_count(r->out.s + start, r->out.len - start);
	used = before + reserve(r, ends_after(r, t));
	if (used > r->max || !json_cut_string(&r->out, start, r->max - used))
		return NO_ROOM;
	r->chars = before;
	r->counted = start;
	r->cut = true;
	return 0;
}

static int fit(struct render *r, const struct tokens *t)
{
	return fits(r, t) ? 0 : NO_ROOM;
}

struct mark {
	size_t len, chars, counted;
};

static struct mark mark(const struct render *r)
{
	return (struct mark){r->out.len, r->chars, r->counted};
}

static void take_back(struct render *r, const struct mark *m)
{
	r->out.len = m->len;
	r->chars = m->chars;
	r->counted = m->counted;
}

/* ---- values that are not containers ------------------------------------------- */

static struct pytext pytext_on(struct render *r, struct buf *out)
{
	return (struct pytext){.out = out, .types = r->types, .pid = r->pid};
}

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
	struct pytext x = pytext_on(r, &r->scratch);

	buf_clear(&r->scratch);
	pytext_intbits(&x, bits);
	json_string(&r->out, r->scratch.s, r->scratch.len);
	r->cut = true;
	return fit(r, t);
}

static int put_bigint(struct render *r, const struct token *token, const struct tokens *t)
{
	struct pytext x = pytext_on(r, &r->out);
	uint64_t bits = number_bits((const void *)token->p, token->len / sizeof(uint32_t));
	struct mark start = mark(r);
	int err;

	/* log10(2) > 0.3: without the conversion it is known that this is too long. */
	if (bits * 3 / 10 > r->max || bits > BIGINT_MAX_DIGITS * 30)
		return put_intbits(r, bits, t);
	err = pytext_bigint(&x, token);
	if (err)
		return err;
	if (r->out.len - start.len <= r->max)
		return fit(r, t);
	take_back(r, &start);
	return put_intbits(r, bits, t);
}

/* What only Python's own notation can say. */
static int put_python(struct render *r, const struct token *token, struct tokens *t)
{
	struct pytext x = pytext_on(r, &r->scratch);
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

static int value(struct render *r, struct tokens *t);

/*
 * Containers around this one that end right after it will not be cut: they need one
 * character each, not a whole closer. (Not called before it is sure that this one can be
 * closed, cut or not.)
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
		return NO_ROOM;
	settle(r, ends);
	return 0;
}

static int open_container(struct render *r, bool object, const struct tokens *t)
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

static void close_container(struct render *r, bool object, bool cut, bool empty)
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
	struct pytext x = pytext_on(r, &r->scratch);
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
	return err ? err : value(r, t);
}

/* The container is full: the rest of it, from `rest` on, is read over. */
static int cut_container(struct render *r, bool object, bool empty, const struct tokens *rest,
			 struct tokens *t)
{
	bool simple;

	close_container(r, object, true, empty);
	*t = *rest;
	return tokens_skip(t, &simple);
}

/* Elements up to END or STOP, and the closing. */
static int elements(struct render *r, struct tokens *t, bool object)
{
	bool empty = true;

	for (;; empty = false) {
		struct tokens from_here = *t;
		struct mark start = mark(r);
		struct token token;
		int err;

		if (tokens_peek(t) == FT_T_END || tokens_peek(t) == FT_T_STOP) {
			err = token_next(t, &token);
			close_container(r, object, token.kind == FT_T_STOP, empty);
			return err;
		}
		if (!empty)
			BUF_LITERAL(&r->out, ", ");
		err = element(r, t, object);
		if (err < 0)
			return err;
		if (err == NO_ROOM) {
			take_back(r, &start);
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
	err = open_container(r, object, t);
	return err ? err : elements(r, t, object);
}

static int value(struct render *r, struct tokens *t)
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
		return NO_ROOM;
	case FT_T_DICT:
		return container(r, true, t);
	case FT_T_END:
		return -EBADMSG;
	}
	return container(r, false, t);
}

/* ---- fields ------------------------------------------------------------------- */

typedef int (*field_fn)(struct render *r, struct tokens *t);

static void begin(struct render *r, bool limited)
{
	buf_clear(&r->out);
	r->cut = limited;
	r->limited = limited;
	r->param = 0;
	r->chars = r->counted = 0;
	r->depth = r->cut_close_sum = 0;
}

/* Nothing at all fits, or there is no value. */
static void put_least(struct render *r)
{
	buf_clear(&r->out);
	r->cut = true;
	if (r->root_open && r->max < LEN("{" CUT_OBJECT) - 2)
		BUF_LITERAL(&r->out, "{}");
	else if (r->root_open)
		BUF_LITERAL(&r->out, "{" JSON_DOTS ": " JSON_DOTS "}");
	else if (r->max < LEN(JSON_DOTS))
		BUF_LITERAL(&r->out, "\"\"");
	else
		BUF_LITERAL(&r->out, JSON_DOTS);
}

static int round_of(struct render *r, struct tokens *t, field_fn field, bool limited)
{
	int err;

	begin(r, limited);
	err = field(r, t);
	if (err == NO_ROOM) {
		put_least(r);
		err = 0;
	}
	return r->out.failed || r->scratch.failed ? -ENOMEM : err;
}

static int render_within(struct render *r, struct tokens *t, field_fn field, struct text *ret_text)
{
	struct tokens again = *t;
	size_t original = 0;
	int err = round_of(r, t, field, false);

	/* Bytes are at least as many as characters. */
	if (!err && r->out.len > r->max) {
		size_t chars = utf8_count(r->out.s, r->out.len);

		if (chars > r->max) {
			original = r->cut ? 0 : chars;
			err = round_of(r, &again, field, true);
		}
	}
	if (err)
		return err;
	*ret_text = (struct text){.s = r->out.s, .len = r->out.len, .cut = r->cut};
	ret_text->original_len = original;
	return 0;
}

static void swap(struct buf *a, struct buf *b)
{
	struct buf other = *a;

	*a = *b;
	*b = other;
}

/* The same with the other limit; what does not say more than the cut text is not kept. */
static int render_full(struct render *r, struct tokens *t, field_fn field, struct text *text)
{
	unsigned max = r->max;
	struct text full;
	int err;

	swap(&r->out, &r->full);
	r->max = r->full_max;
	err = render_within(r, t, field, &full);
	r->max = max;
	swap(&r->out, &r->full);
	if (err || (full.len == text->len && !memcmp(full.s, text->s, full.len)))
		return err;
	text->full = full.s;
	text->full_len = full.len;
	text->original_len = full.original_len ?: utf8_count(full.s, full.len);
	return 0;
}

static int render_field(struct render *r, struct tokens *t, field_fn field, struct text *ret_text)
{
	struct tokens again = *t;
	int err = render_within(r, t, field, ret_text);

	return !err && ret_text->cut && r->full_max ? render_full(r, &again, field, ret_text) : err;
}

/* A sequence that ends early is not an error: with a STOP it says so itself. */
static int field_value(struct render *r, struct tokens *t)
{
	int err = tokens_peek(t) ? value(r, t) : NO_ROOM;

	if (err)
		return err;
	return t->stopped || t->at == t->end ? 0 : -EBADMSG;
}

static int param(struct render *r, struct tokens *t, const char *name)
{
	if (!tokens_peek(t))
		return NO_ROOM;
	json_string(&r->out, name, strlen(name));
	BUF_LITERAL(&r->out, ": ");
	return value(r, t);
}

/* The value of a hidden parameter is read over. */
static int hidden_param(struct render *r, struct tokens *t)
{
	struct pytext x = pytext_on(r, &r->scratch);

	buf_clear(&r->scratch);
	return tokens_peek(t) ? pytext_value(&x, t, 0) : NO_ROOM;
}

static int field_args(struct render *r, struct tokens *t)
{
	const struct function *f = r->function;
	bool empty = true, cut = false;
	int err = open_container(r, true, t);

	if (err)
		return err;
	while (!cut && r->param < f->nparams) {
		const char *name = f->params[r->param++];
		struct mark start = mark(r);

		if (name[0] == '.') {
			err = hidden_param(r, t);
		} else {
			if (!empty)
				BUF_LITERAL(&r->out, ", ");
			err = param(r, t, name);
		}
		if (err < 0)
			return err;
		/* A STOP within the last value cuts that value, but no parameter is missing. */
		cut = err == NO_ROOM || (t->stopped && r->param < f->nparams);
		if (err == NO_ROOM)
			take_back(r, &start);
		else if (name[0] != '.')
			empty = false;
	}
	/* More values than names: the names were too long to be recorded. */
	cut |= f->more_params || (!t->stopped && tokens_peek(t));
	close_container(r, true, cut, empty);
	return 0;
}

int render_value(struct render *r, struct tokens *t, uint32_t pid, struct text *ret_text)
{
	r->pid = pid;
	r->root_open = false;
	r->function = NULL;
	return render_field(r, t, field_value, ret_text);
}

int render_args(struct render *r, struct tokens *t, const struct function *fn,
		struct text *ret_text)
{
	r->pid = fn->pid;
	r->root_open = true;
	r->function = fn;
	return render_field(r, t, field_args, ret_text);
}
