/* SPDX-License-Identifier: MIT */
/*
 * Segments: the full events of lines that were cut, each in a file of its own, which the line names
 * as fullLogFile. They are in a folder, by default flowtrace-jsonsl/ beside the log, which is made
 * when the first of them is written; files 0600, the folder 0700.
 */
#ifndef FT_SEGMENT_H
#define FT_SEGMENT_H

#include "base/buf.h"
#include "base/why.h"
#include "sink/line.h"

struct segments {
	char *base;    /* owned: the folder of the log, with a slash; "" = the current one */
	char *folder;  /* owned: relative to base, without a slash at its end */
	long uid, gid; /* owner of what is made; -1 = ours */
	uint64_t last; /* number of the last one */
	uint64_t of;   /* the call that the last one is of, and which of its lines */
	enum line_type of_type;
	struct buf name, path, line, text; /* name: as it is in JSON */
};

/* log: "-" is standard output, whose segments go below the directory that is current now. folder:
 * relative to the log's folder; NULL = flowtrace-jsonsl. 0, or -ENOMEM. */
int segments_init(struct segments *s, const char *log, const char *folder, long uid, long gid);
void segments_release(struct segments *s);

/* Does this line of a call show less than is known? */
bool segment_wanted(enum line_type type, const struct span *s);

/* Writes the segment of a line; called again for the same line, by a second sink, it only gives the
 * name. ret_name: relative to the folder of the log, escaped for JSON; borrowed until the next
 * call. */
int segment_write(struct segments *s, enum line_type type, const struct span *span,
		  const char **ret_name, struct why *w);

#endif
