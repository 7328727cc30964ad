/* SPDX-License-Identifier: MIT */
/*
 * The folder of an output file, reached one component at a time through descriptors, so that other
 * users cannot change the path between check and use. A symbolic link is followed if root or the
 * caller made it; the links of procfs are the kernel's.
 */
#ifndef FT_OUTPATH_H
#define FT_OUTPATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

/* Users that are trusted besides root; -1 = none. */
struct trusted {
	long uid, caller;
};

bool trusted_owner(const struct trusted *t, uid_t owner);
/* Opens (O_PATH) the folder of path. */
int outpath_folder(const char *path, const struct trusted *t, int *ret_fd, struct why *w);
/* The last component of path. */
const char *outpath_name(const char *path);

#endif
