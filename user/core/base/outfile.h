/* SPDX-License-Identifier: MIT */
/*
 * Output files: created 0600 and, under sudo, owned by the user who called; written with
 * write(2) until everything is out.
 *
 * What root writes must not be led astray by others: no link in the last component, none that
 * another user made on the way there; a file that is there already must be a regular one of root
 * or of the caller with one name. FIFOs, terminals and other character devices are taken as they
 * are, /dev/stdout and /dev/fd/N too. Nothing is opened blocking: a FIFO has a reader, or is
 * refused.
 */
#ifndef FT_OUTFILE_H
#define FT_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

/* The user, and the group, that called sudo; -1 = nobody did. */
long outfile_caller_uid(void);
long outfile_caller_gid(void);

/* flags: O_APPEND, O_TRUNC, or O_EXCL: the file must not be there. uid, gid: owner of a file that
 * this creates; -1 = ours. */
int outfile_open(const char *path, int flags, long uid, long gid, int *ret_fd, struct why *w);
/* May this be replaced, as by a rename? It is not there, or outfile_open() would take it. */
int outfile_replaceable(const char *path, struct why *w);
/* mkdir. -EEXIST without a word: something is there. */
int outfile_folder(const char *path, mode_t mode, long uid, long gid, struct why *w);
/* Are these names of one file or pipe that is there? "-": standard output. Devices: never. */
bool outfile_same(const char *one, const char *other);
/* Whole lines. On a terminal what it would obey is written out (safe_text.h). */
int outfile_write(int fd, const char *path, const void *data, size_t size, struct why *w);
/* The same for text that steers no terminal but as it should. */
int outfile_write_as_is(int fd, const char *path, const void *data, size_t size, struct why *w);

#endif
