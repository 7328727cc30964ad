/* SPDX-License-Identifier: MIT */
/* Fills in the facts that discover/ needs of a file, unless they are known. Private to this
 * folder. */
#ifndef FT_DISCOVER_FILES_H
#define FT_DISCOVER_FILES_H

#include "discover/binary.h"
#include "model/target.h"

/* The facts needed of every file; path: of a descriptor; name: for people. */
int files_read(struct binary *b, const char *path, const char *name, struct budget *budget,
	       struct why *w);
/* The facts of t->file if it is an interpreter. */
int files_interpreter(struct target *t, struct why *w);
/* The facts of t->file if it cannot be traced; path: for messages, and it may contain a version. */
int files_other(struct target *t, const char *path, struct why *w);
/* The facts of flowtrace_agent. */
int files_agent(struct binary *b, const char *path, const char *name, struct budget *budget);

#endif
