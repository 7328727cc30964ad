/* SPDX-License-Identifier: MIT */
/*
 * Output files: created 0600 and, under sudo, owned by the user who called; written with
 * write(2) until everything is out.
 */
#ifndef FT_OUTFILE_H
#define FT_OUTFILE_H

#include <stddef.h>

#include "base/why.h"

/* flags: O_APPEND, O_TRUNC, or O_EXCL: the file must not be there. uid, gid: owner of a file that
 * this creates; -1 = ours. */
int outfile_open(const char *path, int flags, long uid, long gid, int *ret_fd, struct why *w);
int outfile_write(int fd, const char *path, const void *data, size_t size, struct why *w);

#endif
