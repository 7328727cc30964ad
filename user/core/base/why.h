/* SPDX-License-Identifier: MIT */
/*
 * Why something failed, in one line for a person: what is wrong and what to do. Functions that can
 * fail return 0 or -errno and, where the user needs more than a number, take a struct why and end
 * with `return why(w, -ENOEXEC, "...")`. The deepest cause wins: a caller does not overwrite an
 * earlier text. The command prints it once and exits with `exit_status` (docs/attach.md).
 */
#ifndef FT_WHY_H
#define FT_WHY_H

/* Exit statuses of the commands. */
enum {
	EXIT_DONE = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_NO_PROCESS = 3,
	EXIT_NOT_PERMITTED = 4,
	EXIT_KERNEL = 5,
	EXIT_PYTHON = 6,
};

struct why {
	char text[768];
	int exit_status; /* 0 while there is no text */
};

/* Sets w (which may be NULL) unless it already has a text; returns err. exit_status 1. */
int why(struct why *w, int err, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The same with the exit status that this failure must give. */
int why_exit(struct why *w, int exit_status, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
