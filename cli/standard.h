/* SPDX-License-Identifier: MIT */
/*
 * The standard descriptors: all three are open, and a message never waits for a terminal or a pipe
 * that takes nothing.
 */
#ifndef FT_CLI_STANDARD_H
#define FT_CLI_STANDARD_H

/* First in main(): a program that was started without 0, 1 or 2 would get them for a file of its
 * own, and print into it. They are /dev/null then, and what is written to them is an error. */
void standard_open(void);
/* A message to standard error; for so long at the most, else it is not told. */
void standard_error(int ms, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* May come first in a line that standard_error() writes: the line is drawn again. */
#define STANDARD_CLEAR_LINE "\r\033[K"

#endif
