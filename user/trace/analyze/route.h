/* SPDX-License-Identifier: MIT */
/*
 * From paths to routes: what is an id in a path becomes a placeholder, so that requests for
 * different things of one kind are one row.
 *
 *     /item/123                                  /item/{n}       -12, 1.5 too
 *     /u/6f1c2a9e-7d1b-4c3a-9e57-0b1f2c3d4e5f    /u/{uuid}
 *     /blob/9f86d081884c7d65                     /blob/{hex}     8 digits or more, one below a
 *     /thumb/17.png                              /thumb/{n}.png
 */
#ifndef FT_TRACE_ROUTE_H
#define FT_TRACE_ROUTE_H

#include "base/buf.h"

/* Appends the route; what follows a ? is left out. */
void route_fold(struct buf *b, const char *path, size_t len);

#endif
