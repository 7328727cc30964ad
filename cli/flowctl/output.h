/* SPDX-License-Identifier: MIT */
/*
 * The file of -o: made beside its place and put there when it is whole, so that a failure leaves
 * what was there; readable by its owner only, since it holds values of the trace. "-" is standard
 * output; what is not a regular file (a pipe, a device) is written as it is.
 */
#ifndef FT_OUTPUT_H
#define FT_OUTPUT_H

#include "command.h"

struct output {
	int fd;
	const char *name;  /* borrowed: for messages */
	char *beside;	   /* owned; NULL: written in its place */
	const char *place; /* borrowed */
};

/* It may not be one of the traces. 0 or -errno. */
int output_open(struct output *o, const char *path, const struct arguments *a, struct why *w);
/* err: what went wrong before, and then the file is not put in its place. Returns err, or why that
 * could not be done. */
int output_close(struct output *o, int err, struct why *w);

#endif
