/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/utf8.h"
#include "decode/render_value.h"

void render_release(struct render *r)
{
	buf_release(&r->out);
	buf_release(&r->full);
	buf_release(&r->scratch);
}

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

/* The shortest field: nothing fits, or there is no value. */
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
	if (err == RENDER_NO_ROOM) {
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

/* Renders again within full_max; not kept when it is not longer than the cut text. */
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

/* A sequence that ends early is not an error if it ends with STOP. */
static int field_value(struct render *r, struct tokens *t)
{
	int err = tokens_peek(t) ? render_any(r, t) : RENDER_NO_ROOM;

	if (err)
		return err;
	return t->stopped || t->at == t->end ? 0 : -EBADMSG;
}

static int param(struct render *r, struct tokens *t, const char *name)
{
	if (!tokens_peek(t))
		return RENDER_NO_ROOM;
	json_string(&r->out, name, strlen(name));
	BUF_LITERAL(&r->out, ": ");
	return render_any(r, t);
}

/* Skips the value of a hidden parameter. */
static int hidden_param(struct render *r, struct tokens *t)
{
	struct pytext x = render_pytext(r, &r->scratch);

	buf_clear(&r->scratch);
	return tokens_peek(t) ? pytext_value(&x, t, 0) : RENDER_NO_ROOM;
}

static int field_args(struct render *r, struct tokens *t)
{
	const struct function *f = r->function;
	bool empty = true, cut = false;
	int err = render_open(r, true, t);

	if (err)
		return err;
	while (!cut && r->param < f->nparams) {
		const char *name = f->params[r->param++];
		struct render_mark start = render_mark(r);

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
		cut = err == RENDER_NO_ROOM || (t->stopped && r->param < f->nparams);
		if (err == RENDER_NO_ROOM)
			render_take_back(r, &start);
		else if (name[0] != '.')
			empty = false;
	}
	/* More values than names: the names were too long to be recorded. */
	cut |= f->more_params || (!t->stopped && tokens_peek(t));
	render_close(r, true, cut, empty);
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
