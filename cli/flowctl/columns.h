/* SPDX-License-Identifier: MIT */
/*
 * Tables for people: columns as wide as their widest cell, and on a terminal no wider than that.
 * Whatever a cell holds, it cannot steer the terminal.
 */
#ifndef FT_COLUMNS_H
#define FT_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/safe_text.h"
#include "terminal.h"

enum column_kind {
	COLUMN_RIGHT, /* numbers */
	COLUMN_LEFT,
	COLUMN_LEFT_END, /* where it is too long, the end of the text is kept: names, paths */
};

struct column {
	const char *title;
	enum column_kind kind;
};

#define COLUMNS_MAX 16

struct columns {
	const struct column *column; /* borrowed */
	size_t count;
	char **cell; /* owned, and so are the texts; row by row */
	size_t cells, room;
	bool failed;
};

void columns_init(struct columns *c, const struct column *column, size_t count);
void columns_release(struct columns *c);
/* The next cell, copied; a row is full after `count` of them. */
void columns_text(struct columns *c, const char *s);
void columns_bytes(struct columns *c, const char *s, size_t len);
void columns_u64(struct columns *c, uint64_t n);
/* "" for 0. */
void columns_u64_or_none(struct columns *c, uint64_t n);
void columns_us(struct columns *c, double us);
/* "" for 0. */
void columns_us_or_none(struct columns *c, double us);
/* To standard output, with the titles; the widest column at the end gives way to the terminal. */
int columns_print(const struct columns *c);

/* "870 µs", "12.3 ms", "1.50 s"; never longer than DURATION_MAX - 1. */
#define DURATION_MAX 40
void duration_text(char to[DURATION_MAX], double us);

/* Columns that it takes on a terminal. */
size_t text_width(const char *s, size_t len);
/* Appends the text cut to this width, with "…" where something is missing. */
void cut_text(struct buf *b, const char *s, size_t len, size_t width, bool keep_end);
/* Of the terminal on standard output; 0: it is none, and nothing is cut. */
size_t terminal_width(void);

#endif
