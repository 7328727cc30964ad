/* SPDX-License-Identifier: MIT */
/*
 * An interpreter that ran a script until it waited: its memory, what we know of its layout, and
 * what the script said. A script of tests/bpf runs behind tests/live/render.py and writes lines
 * "what address text", the last one "end".
 */
#ifndef FT_SUBJECT_H
#define FT_SUBJECT_H

#include "ft_layout.h"
#include "image.h"

#define SAID_MAX 200

struct said {
	char what[16];
	uint64_t addr;
	char *text; /* owned */
};

struct subject {
	const char *python; /* borrowed */
	struct image image;
	struct ft_layout layout;
	struct said said[SAID_MAX];
	int count;
};

typedef void subject_check(struct subject *s); /* which is its own, to be freed */

/* root: to be entered first, or NULL. The test fails if the script does. */
struct subject *subject_new(const char *root, const char *python, const char *script);
void subject_free(struct subject *s);
/* The address that was said of this first, or 0. */
uint64_t said_of(const struct subject *s, const char *what);
/* Each interpreter of this machine that the tests know, one after the other. */
void subject_each(subject_check *check, const char *script);

#endif
