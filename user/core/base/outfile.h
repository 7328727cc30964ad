/* SPDX-License-Identifier: MIT */
/*
 * Output files: created 0600 and, under sudo, owned by the user who called it; written with
 * write(2) until all bytes are out.
 *
 * Other users must not be able to redirect what root writes. The last component is not a symbolic
 * link, and links before it were made by root or the caller. An existing file is a regular file of
 * root or the caller with a single hard link. FIFOs, terminals and character devices such as
 * /dev/null are written to as they are, and so are /dev/stdout and /dev/fd/N. Nothing is opened
 * blocking: a FIFO without a reader is refused.
 */
#ifndef FT_OUTFILE_H
#define FT_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/why.h"

/* User and group id of the caller of sudo; -1 = not run by sudo. */
long outfile_caller_uid(void);
long outfile_caller_gid(void);

/* flags: O_APPEND, O_TRUNC, or O_EXCL: the file must not be there. uid, gid: owner of a file that
 * this creates; -1 = ours. */
int outfile_open(const char *path, int flags, long uid, long gid, int *ret_fd, struct why *w);
/* May a rename replace this path? 0 when it does not exist, or when outfile_open() would take
 * it. */
int outfile_replaceable(const char *path, struct why *w);
/* mkdir. -EEXIST, without a message: the path exists. */
int outfile_folder(const char *path, mode_t mode, long uid, long gid, struct why *w);
/* Do both names mean the same existing file or pipe? "-" is standard output. Devices: never. */
bool outfile_same(const char *one, const char *other);
/* Writes whole lines. On a terminal, control characters are escaped (safe_text.h). */
int outfile_write(int fd, const char *path, const void *data, size_t size, struct why *w);
/* The same without escaping, for text whose control characters are meant. */
int outfile_write_as_is(int fd, const char *path, const void *data, size_t size, struct why *w);

#endif
