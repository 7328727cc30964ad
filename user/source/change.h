/* SPDX-License-Identifier: MIT */
/*
 * A whole change of one file: read, examined, edited, compiled to see that it still does, and only
 * then written. What goes wrong leaves the file as it was.
 */
#ifndef FT_CHANGE_H
#define FT_CHANGE_H

#include "base/buf.h"
#include "source/instrument.h"
#include "source/rewrite.h"

struct change_options {
	bool undo;    /* take flowctl's lines out */
	bool all;     /* also functions that look at frames */
	bool dry_run; /* only the diff */
	bool backup;
};

struct change_result {
	struct instrument_result lines;
	size_t left_out[FOUND_STATES]; /* functions, by why */
	bool changed;
	enum backup_state backup;
	struct buf diff; /* of a dry run */
};

/* 0, or -errno and why; ret is to be released either way. */
int change_file(const char *path, const struct change_options *o, struct change_result *ret,
		struct why *w);
void change_result_release(struct change_result *r);

#endif
