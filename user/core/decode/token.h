/* SPDX-License-Identifier: MIT */
/*
 * Reads a token sequence, checked: what token_next() hands out has the payload that its
 * kind needs. FT_T_STOP is sticky: after it every read gives STOP again, so each open
 * container sees it and closes itself as cut.
 */
#ifndef FT_TOKEN_H
#define FT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ft_abi.h"

struct tokens {
	const unsigned char *at, *end; /* borrowed from the record */
	bool stopped;
};

struct token {
	uint8_t kind, width;
	uint16_t aux;
	const unsigned char *p; /* payload; of a cut text after its full length */
	uint32_t len;
	bool cut;	  /* STR, BYTES, BYTEARRAY: text was longer */
	uint64_t word[2]; /* payload of the kinds that are one or two numbers */
};

static inline void tokens_init(struct tokens *t, const void *at, const void *end)
{
	*t = (struct tokens){.at = at, .end = end};
}

/* Kind of the next token; 0 at the end of the sequence. */
static inline uint8_t tokens_peek(const struct tokens *t)
{
	if (t->stopped)
		return FT_T_STOP;
	return t->end - t->at < (ptrdiff_t)sizeof(struct ft_token) ? 0 : *t->at;
}

/* 0, or -EBADMSG at the end of the sequence and for what is not a token. */
int token_next(struct tokens *t, struct token *ret_token);

/* Opens a container: elements up to END follow. */
bool token_opens(uint8_t kind);

/* How many ENDs in a row come next; *ret_last: and nothing else after them. */
unsigned tokens_ends(const struct tokens *t, bool *ret_last);

/* Skips everything up to the END of the innermost open container, or to a STOP. *ret_simple becomes
 * false when that includes a container, an object or an exception. */
int tokens_skip(struct tokens *t, bool *ret_simple);

/* STR: number of characters, and character i. */
size_t token_chars(const struct token *t);
uint32_t token_char(const struct token *t, size_t i);
/* STR: the text as UTF-8, with "..." when it was cut. */
void token_utf8(const struct token *t, struct buf *out);
/* STR of width 1, BYTES: its bytes are UTF-8 already; invalid ones become U+FFFD. "..." when it was
 * cut. */
void token_bytes_utf8(const struct token *t, struct buf *out);

#endif
