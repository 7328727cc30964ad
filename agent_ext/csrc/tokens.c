/* SPDX-License-Identifier: MIT */
#include "tokens.h"

void tokens_begin(struct tokens_out *o, void *bytes, const struct value_limits *limits)
{
	*o = (struct tokens_out){
		.bytes = bytes,
		.size = limits->max_bytes,
		.budget = limits->max_arg_length,
		.limits = limits,
	};
}

/* ---- single tokens ----------------------------------------------------------------------- */

void token_text(struct tokens_out *o, unsigned kind, const void *data, size_t length,
		unsigned width)
{
	size_t most = (o->size - TOKEN_CLOSERS - 24 - o->used) / width, n = length;

	if (o->budget < 0 || !token_fits(o, TOKEN_LARGEST))
		n = 0;
	else if (n > (size_t)o->budget)
		n = o->budget;
	if (n > most)
		n = most;
	if (n < length) {
		token_head(o, kind, width, FT_TOK_CUT, n * width + 8);
		token_word(o, length);
	} else {
		token_head(o, kind, width, 0, n * width);
	}
	token_bytes(o, data, n * width);
	o->budget -= n + 2;
}

void token_str(struct tokens_out *o, PyObject *s)
{
#if PY_VERSION_HEX < 0x030c0000
	if (!PyUnicode_IS_READY(s)) { /* a legacy string */
		token_plain(o, FT_T_UNREADABLE, 14);
		return;
	}
#endif
	token_text(o, FT_T_STR, PyUnicode_DATA(s), PyUnicode_GET_LENGTH(s), PyUnicode_KIND(s));
}

/* ---- names and numbers ------------------------------------------------------------------- */

void tokens_text(struct tokens_out *o, PyObject *s)
{
	tokens_within(o, s, o->size);
}

void tokens_within(struct tokens_out *o, PyObject *s, long characters)
{
	long budget = o->budget;

	o->budget = characters;
	if (s && PyUnicode_Check(s))
		token_str(o, s);
	else
		token_head(o, FT_T_NONE, 0, 0, 0);
	o->budget = budget;
}

void tokens_class_name(struct tokens_out *o, PyObject *s)
{
	long budget = o->budget;

	o->budget = FT_MAX_CLASS_NAME;
	if (s && PyUnicode_Check(s)) {
		o->budget /= PyUnicode_KIND(s);
		token_str(o, s);
	} else {
		token_head(o, FT_T_NONE, 0, 0, 0);
	}
	o->budget = budget;
}

void tokens_utf8(struct tokens_out *o, const char *s)
{
	long budget = o->budget;

	o->budget = FT_MAX_CLASS_NAME;
	token_text(o, FT_T_STR, s, strlen(s), 1);
	o->budget = budget;
}

void tokens_number(struct tokens_out *o, int64_t value)
{
	token_number(o, FT_T_INT, value, 0);
}

void tokens_open(struct tokens_out *o, unsigned kind, uint64_t items)
{
	token_number(o, kind, items, 0);
}

void tokens_stop(struct tokens_out *o)
{
	token_plain(o, FT_T_STOP, 0);
	o->stopped = true;
}

void tokens_close(struct tokens_out *o)
{
	token_end(o, false);
}
