/* SPDX-License-Identifier: MIT */
/*
 * Where a trace is written to: "-" is standard output; a name that ends in .gz or .zst is packed.
 * A file appears under its name only when it is whole: until then it is beside it.
 */
#ifndef FT_TRACE_TRACE_OUTPUT_H
#define FT_TRACE_TRACE_OUTPUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

struct trace_output; /* opaque */

int trace_output_open(const char *path, struct trace_output **ret_output, struct why *w);
int trace_output_put(struct trace_output *o, const char *s, size_t len, struct why *w);
/* The last bytes, and the file to its place. */
int trace_output_finish(struct trace_output *o, struct why *w);
/* Without trace_output_finish(), the file is taken away again. NULL is fine. */
void trace_output_free(struct trace_output *o);

#endif
