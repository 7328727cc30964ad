/* SPDX-License-Identifier: MIT */
/*
 * What is to change in a file, from its beginning to its end: at a place, bytes go and others come.
 * An edit that finds no memory, or comes before the one before it, sets `failed`.
 */
#ifndef FT_EDITS_H
#define FT_EDITS_H

#include "base/buf.h"

struct edit {
	size_t at, cut; /* in the old bytes */
	size_t text;	/* in edits.text, up to where the next one's begins */
};

struct edits {
	struct edit *edit; /* owned */
	size_t count;
	struct buf text; /* all that is put in */
	bool failed;
};

void edits_release(struct edits *e);
/* Takes `cut` bytes out at `at` and puts in what is added to e->text until the next call. */
void edits_begin(struct edits *e, size_t at, size_t cut);

/* Adds the new bytes; 0 or -ENOMEM. */
int edits_apply(const struct edits *e, const char *old, size_t len, struct buf *ret);
/* diff.c: from the old bytes to the new as `diff -u` tells it, for patch -p1. 0 or -ENOMEM. */
int edits_diff(const struct edits *e, const char *old, size_t len, const char *path,
	       struct buf *ret);

/* Adds what an edit puts in. */
void edit_add_text(const struct edits *e, size_t i, struct buf *to);

#endif
