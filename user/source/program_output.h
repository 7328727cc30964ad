/* SPDX-License-Identifier: MIT */
/* What another program prints. */
#ifndef FT_PROGRAM_OUTPUT_H
#define FT_PROGRAM_OUTPUT_H

#include "base/buf.h"
#include "base/why.h"

/* Runs argv (argv[0] is searched in PATH), with nothing to read and standard error thrown away, and
 * adds what it prints, up to 1 MiB. ret_status is its wait status. After `seconds` it is killed:
 * -ETIMEDOUT. */
int output_of(char *const argv[], int seconds, struct buf *ret, int *ret_status, struct why *w);

#endif
