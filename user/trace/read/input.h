/* SPDX-License-Identifier: MIT */
/*
 * The bytes of one file, or of standard input ("-"): as they are, or out of gzip or zstd, which
 * are recognised by their first bytes. Memory does not grow with the file.
 */
#ifndef FT_TRACE_INPUT_H
#define FT_TRACE_INPUT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

struct trace_input_options {
	bool follow; /* at the end of a file wait for more, until *stop */
	/* Set by a signal handler, which must interrupt system calls; NULL = never. */
	const volatile sig_atomic_t *stop;
};

struct trace_input; /* opaque */

int trace_input_open(const char *path, const struct trace_input_options *o,
		     struct trace_input **ret_input, struct why *w);
void trace_input_free(struct trace_input *in);
/* At most `size` bytes; 0 at the end, -errno. */
ssize_t trace_input_read(struct trace_input *in, char *p, size_t size, struct why *w);
/* The compressed data ended in the middle: cut, or still being written. */
bool trace_input_is_cut(const struct trace_input *in);
/* How far the file itself is read, and how large it is; 0 = not known. */
uint64_t trace_input_offset(const struct trace_input *in);
uint64_t trace_input_size(const struct trace_input *in);
/* The path, or "standard input". */
const char *trace_input_name(const struct trace_input *in);

#endif
