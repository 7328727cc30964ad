/* SPDX-License-Identifier: MIT */
/*
 * The way to an output file, walked component by component, so that nobody can change it between
 * a look and its use. A link counts when root or the caller made it; the links of procfs are the
 * kernel's.
 */
#ifndef FT_OUTPATH_H
#define FT_OUTPATH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

/* Root, or one of these; -1 = nobody. */
struct trusted {
	long uid, caller;
};

bool trusted_owner(const struct trusted *t, uid_t owner);
/* Opens (O_PATH) the folder that path lies in. */
int outpath_folder(const char *path, const struct trusted *t, int *ret_fd, struct why *w);
/* The last component of path. */
const char *outpath_name(const char *path);

#endif
