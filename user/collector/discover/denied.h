/* SPDX-License-Identifier: MIT */
/* The one message for "the kernel does not let us look at this process". */
#ifndef FT_DENIED_H
#define FT_DENIED_H

#include "base/why.h"

/* Returns -EACCES, with exit status 4; path is what could not be read. */
int denied(struct why *w, const char *path);

#endif
