/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/utf8.h"
#include "decode/token.h"

/* Bytes of payload that a kind must have; ANY: checked below, or unused. */
#define ANY 0xff
static const uint8_t payload_of[] = {
	[FT_T_NONE] = ANY,	 [FT_T_TRUE] = ANY,	 [FT_T_FALSE] = ANY, [FT_T_INT] = 8,
	[FT_T_BIGINT] = ANY,	 [FT_T_INTBITS] = 8,	 [FT_T_FLOAT] = 8,   [FT_T_STR] = ANY,
	[FT_T_BYTES] = ANY,	 [FT_T_BYTEARRAY] = ANY, [FT_T_LIST] = 8,    [FT_T_TUPLE] = 8,
	[FT_T_SET] = 8,		 [FT_T_FROZENSET] = 8,	 [FT_T_DICT] = 8,    [FT_T_END] = ANY,
	[FT_T_CUT] = ANY,	 [FT_T_DEEP] = ANY,	 [FT_T_OBJECT] = 16, [FT_T_EXC] = 16,
	[FT_T_UNREADABLE] = ANY, [FT_T_REDACTED] = ANY,	 [FT_T_STOP] = ANY,  [FT_T_FRAME] = 16,
};

/* The low byte of a text's aux is not used today; FT_TOK_CUT is a flag above it. */
static int text_check(struct token *t)
{
	t->cut = t->aux & FT_TOK_CUT;
	if (t->cut) {
		if (t->len < sizeof(uint64_t))
			return -EBADMSG;
		t->p += sizeof(uint64_t);
		t->len -= sizeof(uint64_t);
	}
	if (t->kind != FT_T_STR)
		return 0;
	if (t->width != 1 && t->width != 2 && t->width != 4)
		return -EBADMSG;
	return t->len % t->width ? -EBADMSG : 0;
}

static int payload_check(struct token *t)
{
	uint8_t want = t->kind < sizeof(payload_of) ? payload_of[t->kind] : 0;

	if (!want)
		return -EBADMSG;
	if (want != ANY) {
		if (t->len != want)
			return -EBADMSG;
		memcpy(t->word, t->p, want);
		return 0;
	}
	switch (t->kind) {
	case FT_T_STR:
	case FT_T_BYTES:
	case FT_T_BYTEARRAY:
		return text_check(t);
	case FT_T_BIGINT:
		return t->len % sizeof(uint32_t) ? -EBADMSG : 0;
	}
	return 0;
}

int token_next(struct tokens *t, struct token *ret_token)
{
	size_t left = t->end - t->at, whole;
	struct ft_token head;

	if (t->stopped) {
		*ret_token = (struct token){.kind = FT_T_STOP};
		return 0;
	}
	if (left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, t->at, sizeof(head));
	whole = sizeof(head) + (((size_t)head.len + 7) & ~(size_t)7);
	if (whole > left)
		return -EBADMSG;
	ret_token->kind = head.kind;
	ret_token->width = head.width;
	ret_token->aux = head.aux;
	ret_token->p = t->at + sizeof(head);
	ret_token->len = head.len;
	ret_token->cut = false;
	t->at += whole;
	t->stopped = head.kind == FT_T_STOP;
	return payload_check(ret_token);
}

bool token_opens(uint8_t kind)
{
	return (kind >= FT_T_LIST && kind <= FT_T_DICT) || kind == FT_T_EXC;
}

unsigned tokens_ends(const struct tokens *t, bool *ret_last)
{
	struct tokens ahead = *t;
	struct token token;
	unsigned n = 0;

	while (tokens_peek(&ahead) == FT_T_END && !token_next(&ahead, &token))
		n++;
	*ret_last = !tokens_peek(&ahead);
	return n;
}

int tokens_skip(struct tokens *t, bool *ret_simple)
{
	struct token token;
	unsigned open = 1;

	while (open) {
		int err = token_next(t, &token);

		if (err)
			return err;
		if (token.kind == FT_T_STOP)
			return 0;
		if (token.kind == FT_T_END) {
			open--;
			continue;
		}
		open += token_opens(token.kind);
		if (token_opens(token.kind) || token.kind == FT_T_OBJECT || token.kind == FT_T_DEEP)
			*ret_simple = false;
	}
	return 0;
}

size_t token_chars(const struct token *t)
{
	return t->len / t->width;
}

uint32_t token_char(const struct token *t, size_t i)
{
	uint16_t two;
	uint32_t four;

	switch (t->width) {
	case 1:
		return t->p[i];
	case 2:
		memcpy(&two, t->p + i * 2, 2);
		return two;
	default:
		memcpy(&four, t->p + i * 4, 4);
		return four;
	}
}

void token_utf8(const struct token *t, struct buf *out)
{
	size_t n = token_chars(t);
	char *room = buf_room(out, n * UTF8_MAX), *p = room;

	if (!room)
		return;
	if (t->width == 1 && utf8_is_ascii((const char *)t->p, n)) {
		memcpy(p, t->p, n);
		p += n;
	} else {
		for (size_t i = 0; i < n; i++)
			p = utf8_put(p, token_char(t, i));
	}
	out->len += p - room;
	if (t->cut)
		BUF_LITERAL(out, "...");
}

void token_bytes_utf8(const struct token *t, struct buf *out)
{
	const char *s = (const char *)t->p, *end = s + t->len;
	char *room = buf_room(out, (size_t)t->len * UTF8_MAX), *p = room;

	if (!room)
		return;
	while (s < end)
		p = utf8_put(p, utf8_get(&s, end));
	out->len += p - room;
	if (t->cut)
		BUF_LITERAL(out, "...");
}
