/* SPDX-License-Identifier: MIT */
/*
 * The names of a file and of its older ones, as logrotate gives them:
 *
 *     trace.jsonl     -> trace.jsonl.1     -> trace.jsonl.2     ... removed
 *     trace.jsonl.zst -> trace.jsonl.1.zst -> trace.jsonl.2.zst
 *
 * Names move from the oldest on, and never onto another file: a crash leaves a gap between two
 * numbers, which the next rotation fills.
 */
#ifndef FT_ROTATION_H
#define FT_ROTATION_H

#include <stdbool.h>

#include "base/why.h"

#define ROTATION_KEEP_MAX 1000

struct rotation {
	const char *path;   /* borrowed */
	const char *suffix; /* borrowed: what stays last in the names; "" = nothing */
	unsigned keep;	    /* older files; at least 1 */
	long uid;	    /* the owner of the files; -1 = ours */
};

/* Gives the file a number, when fd is still the file of that name: else another program has moved
 * it. The name is free then. */
int rotation_move(const struct rotation *r, int fd, struct why *w);
/* Is fd a regular file, and the one of that name (no link, no /dev/stdout)? */
bool rotation_possible(const struct rotation *r, int fd);

#endif
