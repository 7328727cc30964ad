/* SPDX-License-Identifier: MIT */
/*
 * How a file ends that others may be writing to at this moment: what an earlier run could not
 * finish (full disk, kill) is told from what is being written.
 */
#ifndef FT_TAIL_H
#define FT_TAIL_H

#include <stdbool.h>
#include <sys/types.h>

/* The same regular file as fd, which has a content, for reading; -1: it cannot be had. */
int tail_open(int fd, const char *path, off_t *ret_size);
/* Looks until the file does not grow: does it end within something? within() looks at it, and gets
 * `arg`. *size is the size that was looked at. */
bool tail_within(int in, off_t *size, bool (*within)(int in, off_t size, void *arg), void *arg);
/* The same for a line. */
bool tail_within_line(int in, off_t size);

#endif
