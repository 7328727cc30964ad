/* SPDX-License-Identifier: MIT */
/* A line of the trace as JSON text; whole texts are left out. */
#ifndef FT_LINE_H
#define FT_LINE_H

#include "base/buf.h"
#include "model/event.h"

/* Appends it, with the newline; false without memory. */
bool line_format(struct buf *out, const struct line *l);

#endif
