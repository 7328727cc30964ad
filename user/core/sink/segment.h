/* SPDX-License-Identifier: MIT */
/*
 * Segments: the whole events behind lines that were cut, each in a file of its own, which the line
 * names as fullLogFile. They lie in a folder, flowtrace-jsonsl/ beside the log if no other was
 * asked for, which is made when the first of them is written; files 0600, the folder 0700.
 */
#ifndef FT_SEGMENT_H
#define FT_SEGMENT_H

#include "base/buf.h"
#include "base/why.h"
#include "sink/line.h"

struct segments {
	char *base;    /* owned: the folder of the log, with a slash; "" = the current one */
	char *folder;  /* owned: seen from there, without a slash at its end */
	long uid, gid; /* owner of what is made; -1 = ours */
	uint64_t last; /* number of the last one */
	uint64_t of;   /* the call it is of, and the line */
	enum line_type of_type;
	struct buf name, path, line, text; /* name: as it is in JSON */
};

/* log: "-" is standard output, whose segments lie below what is the current directory now. folder:
 * seen from there; NULL = flowtrace-jsonsl. 0, or -ENOMEM. */
int segments_init(struct segments *s, const char *log, const char *folder, long uid, long gid);
void segments_release(struct segments *s);

/* Does that line of a call say less than is known? */
bool segment_wanted(enum line_type type, const struct span *s);

/* Writes it; for the same line once more, from a second sink, it only names it. ret_name: relative
 * to the folder of the log, escaped for JSON; borrowed until the next one. */
int segment_write(struct segments *s, enum line_type type, const struct span *span,
		  const char **ret_name, struct why *w);

#endif
