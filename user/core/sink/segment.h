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
#include "model/event.h"

struct segments {
	char *base;    /* owned: the folder of the log, with a slash; "" = the current one */
	char *folder;  /* owned: seen from there, without a slash at its end */
	long uid, gid; /* owner of what is made; -1 = ours */
	uint64_t last; /* number of the last one */
	struct buf name, path, line, text; /* name: as it is in JSON */
};

/* log: "-" is standard output, whose segments lie below what is the current directory now. 0, or
 * -errno. */
int segments_init(struct segments *s, const char *log, long uid, long gid);
/* Another folder than flowtrace-jsonsl, seen from the folder of the log. 0, or -ENOMEM. */
int segments_set_folder(struct segments *s, const char *folder);
void segments_release(struct segments *s);

/* Does a line say less than is known? */
static inline bool segment_wanted(const struct line *l)
{
	return l->value.full || l->exc_message.full;
}

/* Writes it. ret_name: relative to the folder of the log, escaped for JSON; borrowed until the next
 * one. */
int segment_write(struct segments *s, const struct line *l, const char **ret_name, struct why *w);

#endif
