/* SPDX-License-Identifier: MIT */
/*
 * Tokens (ft_abi.h), one after another into a field of a record, as far as its limits allow. The
 * same as the BPF side writes (bpf/value.bpf.c), so that decode/ renders both alike.
 */
#ifndef FT_AGENT_TOKENS_H
#define FT_AGENT_TOKENS_H

#include "python.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ft_abi.h"

struct value_limits {
	unsigned max_arg_length, max_depth, max_items;
	size_t max_bytes; /* of tokens */
};

/* Where tokens go. */
struct tokens_out {
	uint8_t *bytes;	   /* borrowed */
	size_t size, used; /* size: limits->max_bytes */
	long budget;	   /* characters of the rendered field that are still wanted */
	bool stopped;
	const struct value_limits *limits; /* borrowed */
};

/* bytes: limits->max_bytes of room. */
void tokens_begin(struct tokens_out *o, void *bytes, const struct value_limits *limits);
/* A str, or NONE for NULL; no limit but the room. */
void tokens_text(struct tokens_out *o, PyObject *text);
/* ... cut to a number of characters. */
void tokens_within(struct tokens_out *o, PyObject *text, long characters);
/* The same with the room that a class's name has. */
void tokens_class_name(struct tokens_out *o, PyObject *text);
/* A C string in UTF-8: such a name, too. */
void tokens_utf8(struct tokens_out *o, const char *s);
/* An int. */
void tokens_number(struct tokens_out *o, int64_t value);
void tokens_open(struct tokens_out *o, unsigned kind, uint64_t items);
void tokens_close(struct tokens_out *o);
/* There is no room for more: every open container is cut here. */
void tokens_stop(struct tokens_out *o);

/* ---- single tokens, for what has checked that they fit ---- */

#define TOKEN_CLOSERS 256 /* bytes kept free for CUT and END of every open level, and for STOP */
#define TOKEN_LARGEST 32  /* bytes of the largest token but text */

static inline bool token_fits(const struct tokens_out *o, size_t bytes)
{
	return o->used + bytes + TOKEN_CLOSERS <= o->size;
}

static inline void token_word(struct tokens_out *o, uint64_t value)
{
	memcpy(o->bytes + o->used, &value, sizeof(value));
	o->used += sizeof(value);
}

static inline void token_head(struct tokens_out *o, unsigned kind, unsigned width, unsigned aux,
			      uint32_t len)
{
	struct ft_token t = {kind, width, aux, len};

	memcpy(o->bytes + o->used, &t, sizeof(t));
	o->used += sizeof(t);
}

static inline void token_bytes(struct tokens_out *o, const void *data, size_t len)
{
	size_t padded = (len + 7) & ~(size_t)7;

	if (padded)
		memset(o->bytes + o->used + padded - 8, 0, 8);
	memcpy(o->bytes + o->used, data, len);
	o->used += padded;
}

/* cost: characters of the rendered field. */
static inline void token_plain(struct tokens_out *o, unsigned kind, long cost)
{
	token_head(o, kind, 0, 0, 0);
	o->budget -= cost;
}

static inline void token_number(struct tokens_out *o, unsigned kind, uint64_t value, long cost)
{
	token_head(o, kind, 0, 0, 8);
	token_word(o, value);
	o->budget -= cost;
}

/* Room for one more token? If not, everything that is open is cut here. */
static inline bool token_next(struct tokens_out *o)
{
	if (o->stopped)
		return false;
	if (token_fits(o, TOKEN_LARGEST) && o->budget >= 0)
		return true;
	token_head(o, FT_T_STOP, 0, 0, 0);
	o->stopped = true;
	return false;
}

/* The end of what is open; cut: there would be more. */
static inline void token_end(struct tokens_out *o, bool cut)
{
	if (o->stopped)
		return;
	if (cut)
		token_head(o, FT_T_CUT, 0, 0, 0);
	token_head(o, FT_T_END, 0, 0, 0);
}

/* length units of width bytes, as many of them as the field has room for. */
void token_text(struct tokens_out *o, unsigned kind, const void *data, size_t length,
		unsigned width);
void token_str(struct tokens_out *o, PyObject *s);

#endif
