/* SPDX-License-Identifier: MIT */
/*
 * A regular file that whole lines are appended to, packed (packing.h) or rotated (rotation.h) or
 * both. Packed lines are kept until there is a frame of them, at most for half a second; a frame
 * is written at once. A new file begins between two lines, or two frames. One thread at a time
 * uses it, and may wait for the disk.
 */
#ifndef FT_LOGFILE_H
#define FT_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/packing.h"
#include "base/why.h"

/* When a file is old enough, or large enough; 0 = never. */
struct rotate {
	uint64_t bytes; /* as it lies on the disk */
	double seconds;
};

struct logfile_options {
	const char *path;	       /* copied */
	const struct packing *packing; /* borrowed; NULL: plain lines */
	struct rotate rotate;
	unsigned keep; /* older files; at least 1 */
	long uid, gid; /* owner of a file that is made; -1 = ours */
};

struct logfile;

/* fd is open for appending; it is owned from here on, also after a failure. What an earlier run
 * could not finish is completed, or cut off where it is a frame. */
int logfile_new(const struct logfile_options *o, int fd, struct logfile **ret_file, struct why *w);
/* Writes what is kept; errors are not reported. NULL is fine. */
void logfile_free(struct logfile *f);
/* Takes some of these whole lines: the number of bytes, 0 = try again, -errno. */
ssize_t logfile_put(struct logfile *f, const char *s, size_t len, struct why *w);
/* Writes what is kept. */
int logfile_flush(struct logfile *f, struct why *w);
/* Does the file need logfile_tick() within the next LOGFILE_TICK_MS, without more lines? */
bool logfile_waits(const struct logfile *f);
#define LOGFILE_TICK_MS 200
/* Does what is due by now: writes what was kept for long, begins a new file. */
int logfile_tick(struct logfile *f, struct why *w);
/* The next lines go to another file of the same name, open for appending (SIGHUP). */
int logfile_switch(struct logfile *f, int fd, struct why *w);

#endif
