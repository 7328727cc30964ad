/* SPDX-License-Identifier: MIT */
/*
 * Tokens as the text that Python's repr() would give: for keys that are not strings, for bytes, for
 * exceptions and their messages. No code of the application runs: an object prints as
 * object.__repr__ does.
 */
#ifndef FT_PYTEXT_H
#define FT_PYTEXT_H

#include "base/buf.h"
#include "decode/token.h"
#include "decode/types.h"

/* Containers within containers that are read: the ABI's depth, an exception around them, and a
 * tuple that is a key. Records of ours are not deeper. */
#define NEST_MAX (FT_MAX_DEPTH + 8)

/* Longest int that is converted to decimal, which takes time by the square of its length. */
#define BIGINT_MAX_DIGITS 2100

struct pytext {
	struct buf *out;
	const struct types *types;
	uint32_t pid;
	bool cut; /* set, never cleared: something was left out */
};

/* One value, whole. 0 or -EBADMSG, -ENOMEM. */
int pytext_value(struct pytext *x, struct tokens *t, unsigned depth);
/* The value that begins with this token, already read. */
int pytext_token(struct pytext *x, const struct token *token, struct tokens *t, unsigned depth);

/* Pieces. */
void pytext_str(struct pytext *x, const struct token *token);
/* close_cut: a cut text gets its closing quote too, because more text follows. */
void pytext_bytes(struct pytext *x, const struct token *token, bool close_cut);
void pytext_object(struct pytext *x, uint64_t type, uint64_t address);
int pytext_bigint(struct pytext *x, const struct token *token);
void pytext_intbits(struct pytext *x, uint64_t bits);
/* After an EXC token: reads its arguments up to END. */
int pytext_exception(struct pytext *x, const struct token *token, struct tokens *t, unsigned depth);

#endif
