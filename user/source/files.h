/* SPDX-License-Identifier: MIT */
/*
 * From what a user names to Python files. A file counts whatever its name; of a folder all *.py and
 * *.pyw below it, but not what is hidden, installed (site-packages, a virtual environment), or
 * through a symbolic link. Each file once.
 */
#ifndef FT_FILES_H
#define FT_FILES_H

#include <sys/stat.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/why.h"

struct files {
	char **path; /* owned, sorted within a folder */
	size_t count;
	struct map seen; /* by device and inode */
};

/* Adds what `path` names; 0, -ENOMEM, or -errno when there is nothing. on_skip, if not NULL, is
 * told what could not be read below it. */
int files_add(struct files *f, const char *path, void (*on_skip)(void *arg, const char *text),
	      void *arg, struct why *w);
void files_release(struct files *f);

/* A regular file whole, and what it was then. */
int file_read(const char *path, struct buf *ret, struct stat *ret_st, struct why *w);

/* The name of the top-level package that a file belongs to, by the __init__.py beside and above it,
 * or of the module that it is; owned by the caller, NULL without memory. */
char *file_package(const char *path);

#endif
