/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>

#include "base/number.h"
#include "base/utf8.h"
#include "decode/printable.h"
#include "decode/pytext.h"

/* ---- text and bytes ----------------------------------------------------------- */

/* repr() quotes with ', unless the text has ' and no ". */
static char quote_for(bool has_single, bool has_double)
{
	return has_single && !has_double ? '"' : '\'';
}

static char *put_hex(char *p, char letter, uint32_t c, int digits)
{
	*p++ = '\\';
	*p++ = letter;
	for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4)
		*p++ = "0123456789abcdef"[c >> shift & 15];
	return p;
}

/* The escapes that str and bytes have in common; NULL for any other character. */
static char *put_common(char *p, uint32_t c, char quote)
{
	if (c == (unsigned char)quote || c == '\\') {
		*p++ = '\\';
		*p++ = c;
		return p;
	}
	if (c != '\n' && c != '\r' && c != '\t')
		return NULL;
	*p++ = '\\';
	*p++ = c == '\n' ? 'n' : c == '\r' ? 'r' : 't';
	return p;
}

static char *put_char(char *p, uint32_t c, char quote)
{
	char *common = put_common(p, c, quote);

	if (common)
		return common;
	if (printable(c))
		return utf8_put(p, c);
	if (c < 0x100)
		return put_hex(p, 'x', c, 2);
	return c < 0x10000 ? put_hex(p, 'u', c, 4) : put_hex(p, 'U', c, 8);
}

static char *put_byte(char *p, unsigned char c, char quote)
{
	char *common = put_common(p, c, quote);

	if (common)
		return common;
	if (c < 0x20 || c >= 0x7f)
		return put_hex(p, 'x', c, 2);
	*p++ = c;
	return p;
}

static void put_dots(struct pytext *x)
{
	BUF_LITERAL(x->out, "...");
	x->cut = true;
}

void pytext_str(struct pytext *x, const struct token *token)
{
	size_t n = token_chars(token);
	char *room = buf_room(x->out, n * 10 + 2), *p = room;
	bool one = false, two = false;
	char quote;

	if (!room)
		return;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = token_char(token, i);

		one |= c == '\'';
		two |= c == '"';
	}
	quote = quote_for(one, two);
	*p++ = quote;
	for (size_t i = 0; i < n; i++)
		p = put_char(p, token_char(token, i), quote);
	x->out->len += p - room;
	if (token->cut)
		put_dots(x);
	buf_char(x->out, quote);
}

void pytext_bytes(struct pytext *x, const struct token *token, bool close_cut)
{
	bool array = token->kind == FT_T_BYTEARRAY;
	char *room, *p, quote;

	if (array)
		BUF_LITERAL(x->out, "bytearray(");
	room = p = buf_room(x->out, (size_t)token->len * 4 + 2);
	if (!room)
		return;
	quote = quote_for(memchr(token->p, '\'', token->len) != NULL,
			  memchr(token->p, '"', token->len) != NULL);
	*p++ = 'b';
	*p++ = quote;
	for (size_t i = 0; i < token->len; i++)
		p = put_byte(p, token->p[i], quote);
	x->out->len += p - room;
	if (token->cut)
		put_dots(x);
	if (token->cut && !close_cut)
		return;
	buf_char(x->out, quote);
	if (array)
		buf_char(x->out, ')');
}

/* ---- numbers and objects ------------------------------------------------------ */

void pytext_intbits(struct pytext *x, uint64_t bits)
{
	BUF_LITERAL(x->out, "<int of ");
	buf_u64(x->out, bits);
	BUF_LITERAL(x->out, " bits>");
	x->cut = true;
}

int pytext_bigint(struct pytext *x, const struct token *token)
{
	const uint32_t *digits = (const void *)token->p; /* tokens are multiples of 8 */
	size_t n = token->len / sizeof(*digits);

	if (n <= BIGINT_MAX_DIGITS)
		return number_bigint(x->out, digits, n, token->aux & FT_TOK_NEGATIVE);
	pytext_intbits(x, number_bits(digits, n));
	return 0;
}

static void put_int(struct pytext *x, const struct token *token)
{
	char *room = buf_room(x->out, NUMBER_MAX);

	if (room)
		x->out->len += number_i64(room, (int64_t)token->word[0]) - room;
}

static void put_float(struct pytext *x, const struct token *token)
{
	char *room = buf_room(x->out, NUMBER_MAX);
	double v;

	memcpy(&v, token->word, sizeof(v));
	if (isnan(v))
		BUF_LITERAL(x->out, "nan");
	else if (isinf(v))
		buf_str(x->out, v < 0 ? "-inf" : "inf");
	else if (room)
		x->out->len += number_float(room, v) - room;
}

void pytext_object(struct pytext *x, uint64_t type, uint64_t address)
{
	const struct pytype *t = types_find(x->types, x->pid, type);
	char hex[16];

	buf_char(x->out, '<');
	if (t) {
		buf_str(x->out, t->full_name);
		buf_char(x->out, ' ');
	}
	BUF_LITERAL(x->out, "object at 0x");
	buf_add(x->out, hex, number_hex(hex, address) - hex);
	buf_char(x->out, '>');
}

/* ---- containers --------------------------------------------------------------- */

/*
 * Reads items up to END, CUT or STOP; *ret_count: how many. Writes `limit` of them and skips the
 * rest.
 */
static int items(struct pytext *x, struct tokens *t, bool pairs, unsigned depth, unsigned limit,
		 unsigned *ret_count)
{
	struct token token;
	unsigned n = 0;
	size_t keep;
	int err;

	for (;; n++) {
		keep = x->out->len;
		err = token_next(t, &token);
		if (err)
			return err;
		if (token.kind == FT_T_END)
			break;
		if (n && n < limit)
			BUF_LITERAL(x->out, ", ");
		err = pytext_token(x, &token, t, depth);
		if (err)
			return err;
		if (token.kind == FT_T_STOP) {
			n++;
			break;
		}
		if (pairs && token.kind != FT_T_CUT) {
			BUF_LITERAL(x->out, ": ");
			err = pytext_value(x, t, depth);
			if (err)
				return err;
		}
		if (n >= limit)
			x->out->len = keep;
	}
	*ret_count = n;
	return 0;
}

#define NO_LIMIT (~0u)

static int container(struct pytext *x, const struct token *token, struct tokens *t, unsigned depth)
{
	static const char *const open[] = {"[", "(", "{", "frozenset({", "{"};
	static const char *const close[] = {"]", ")", "}", "})", "}"};
	int i = token->kind - FT_T_LIST;
	size_t start = x->out->len;
	unsigned n;
	int err;

	buf_str(x->out, open[i]);
	err = items(x, t, token->kind == FT_T_DICT, depth + 1, NO_LIMIT, &n);
	if (err)
		return err;
	if (!n && (token->kind == FT_T_SET || token->kind == FT_T_FROZENSET)) {
		x->out->len = start;
		buf_str(x->out, token->kind == FT_T_SET ? "set()" : "frozenset()");
		return 0;
	}
	if (token->kind == FT_T_TUPLE && n == 1)
		buf_char(x->out, ',');
	buf_str(x->out, close[i]);
	return 0;
}

int pytext_exception(struct pytext *x, const struct token *token, struct tokens *t, unsigned depth)
{
	const struct pytype *type = types_find(x->types, x->pid, token->word[0]);
	struct tokens ahead = *t;
	bool simple = type != NULL;
	unsigned n, limit = NO_LIMIT;
	int err = tokens_skip(&ahead, &simple);

	if (err)
		return err;
	if (!simple) {
		*t = ahead;
		pytext_object(x, token->word[0], token->word[1]);
		return 0;
	}
	/* OSError keeps file names apart: str() shows them, repr() does not. */
	if (type->kind == FT_KIND_EXC_OS)
		limit = 2;
	buf_str(x->out, type->name);
	buf_char(x->out, '(');
	err = items(x, t, false, depth + 1, limit, &n);
	buf_char(x->out, ')');
	return err;
}

int pytext_value(struct pytext *x, struct tokens *t, unsigned depth)
{
	struct token token;
	int err = token_next(t, &token);

	return err ? err : pytext_token(x, &token, t, depth);
}

int pytext_token(struct pytext *x, const struct token *token, struct tokens *t, unsigned depth)
{
	if (depth > NEST_MAX)
		return -EBADMSG;
	switch (token->kind) {
	case FT_T_NONE:
		BUF_LITERAL(x->out, "None");
		return 0;
	case FT_T_TRUE:
		BUF_LITERAL(x->out, "True");
		return 0;
	case FT_T_FALSE:
		BUF_LITERAL(x->out, "False");
		return 0;
	case FT_T_INT:
		put_int(x, token);
		return 0;
	case FT_T_BIGINT:
		return pytext_bigint(x, token);
	case FT_T_INTBITS:
		pytext_intbits(x, token->word[0]);
		return 0;
	case FT_T_FLOAT:
		put_float(x, token);
		return 0;
	case FT_T_STR:
		pytext_str(x, token);
		return 0;
	case FT_T_BYTES:
	case FT_T_BYTEARRAY:
		pytext_bytes(x, token, true);
		return 0;
	case FT_T_OBJECT:
		pytext_object(x, token->word[0], token->word[1]);
		return 0;
	case FT_T_EXC:
		return pytext_exception(x, token, t, depth);
	case FT_T_UNREADABLE:
		BUF_LITERAL(x->out, "<unreadable>");
		return 0;
	case FT_T_REDACTED:
		BUF_LITERAL(x->out, "***");
		return 0;
	case FT_T_CUT:
	case FT_T_DEEP:
	case FT_T_STOP:
		put_dots(x);
		return 0;
	case FT_T_END:
		return -EBADMSG;
	}
	return container(x, token, t, depth);
}
