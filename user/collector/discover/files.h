/* SPDX-License-Identifier: MIT */
/* Fills in what discover/ asks of a file, where it is not known yet. Private to this folder. */
#ifndef FT_DISCOVER_FILES_H
#define FT_DISCOVER_FILES_H

#include "discover/binary.h"
#include "model/target.h"

/* What is asked of every file; path: of a descriptor; name: for people. */
int files_read(struct binary *b, const char *path, const char *name, struct budget *budget,
	       struct why *w);
/* Of t->file: an interpreter ... */
int files_interpreter(struct target *t, struct why *w);
/* ... or not one that can be traced; path: for messages, and it may name a version. */
int files_other(struct target *t, const char *path, struct why *w);
/* Of flowtrace_agent. */
int files_agent(struct binary *b, const char *path, const char *name, struct budget *budget);

#endif
