/* SPDX-License-Identifier: MIT */
/*
 * --list: the Python processes of this machine, and of each whether it can be traced, and whether
 * --all with these settings would choose it. Nothing is attached. A file that cannot be read, or a
 * directory of users that does not answer, ends the list after some seconds, not the program.
 */
#ifndef FT_LIST_H
#define FT_LIST_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"
#include "config.h"
#include "model/target.h"
#include "model/workload.h"

struct listed {
	pid_t pid;
	uid_t uid;
	char *user, *command;	  /* owned; user NULL: the number has no name */
	struct target target;	  /* owned: what was found; its files are closed */
	struct workload workload; /* owned: its id, its pod */
	struct why why;		  /* exit_status: that of tracing; 0 = it can be traced */
	bool unknown;		  /* it may not be looked at; by its command line it is Python */
	bool chosen;		  /* --all with the options that choose would trace it */
	int rule;		  /* the first rule that matches it; -1: none */
};

struct list {
	struct listed **at; /* owned */
	size_t count;
	bool whole; /* else time was up */
};

/* -ENOMEM. With -EAGAIN in a thread that is stuck the list is what was found until then. */
int list_processes(const struct config *c, struct list *ret_list, struct why *w);
void list_release(struct list *l);

#endif
