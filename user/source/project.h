/* SPDX-License-Identifier: MIT */
/*
 * What the files of a project are together: sums, web frameworks, and the module prefixes that
 * would trace it.
 */
#ifndef FT_PROJECT_H
#define FT_PROJECT_H

#include "source/examine.h"

struct project_package {
	char *name; /* owned: of a top-level package or module */
	size_t functions;
};

struct project {
	size_t files, skipped, functions, classes;
	size_t state[FOUND_STATES];
	size_t async, generators, methods, nested;
	struct project_package *package; /* owned */
	size_t npackages;
	char *frameworks; /* owned: "Flask, Starlette"; NULL = none seen */
	bool is_script;	  /* some file is run as __main__ */
};

void project_release(struct project *p);
/* Adds what was found in a file; 0 or -ENOMEM. */
int project_add(struct project *p, const char *path, const struct found *f);
/* The packages that hold most functions come first. */
void project_sort(struct project *p);

#endif
