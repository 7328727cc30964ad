/* SPDX-License-Identifier: MIT */
/*
 * Can a project be traced here? Asks the interpreter that would run it, which imports nothing of
 * the project, and looks at the project's files. The interpreter inside must be started.
 */
#ifndef FT_VALIDATE_H
#define FT_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"

enum verdict { VERDICT_YES, VERDICT_NO, VERDICT_NOTE };

struct check_row {
	const char *name;
	enum verdict verdict;
	char text[1024];
};

#define MAX_CHECK_ROWS 12

struct validation {
	struct check_row row[MAX_CHECK_ROWS];
	size_t nrows;
	bool bpf, agent; /* the ways that are open */
	bool ok;	 /* one is, there is something to trace, and no setting is wrong */
};

/* python: the interpreter that runs the project. flowtrace_bpf: the program to ask. */
int validate(const char *path, const char *python, const char *flowtrace_bpf,
	     struct validation *ret, struct why *w);

#endif
