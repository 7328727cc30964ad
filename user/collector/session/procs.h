/* SPDX-License-Identifier: MIT */
/* The processes that are traced or followed, by their pids. */
#ifndef FT_PROCS_H
#define FT_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCS_MAX 1024

struct proc {
	pid_t pid;
	uint64_t look;		    /* a look at it is under way: its number; 0 = none */
	bool again;		    /* ... and what it finds may be out of date */
	bool held;		    /* it is stopped until it was looked at */
	uint64_t asked_ns;	    /* when that was last asked for: an exec before that is known */
	uint64_t retry_until_ns;    /* its libpython is awaited; 0 = not */
	bool bare;		    /* no Python in it so far: it may load one */
	bool refused;		    /* its Python cannot be traced: said once */
	bool loaded;		    /* it did, and runs on meanwhile */
	uint64_t check_ns, wait_ns; /* ... and is checked then, in case that we were not told */
};

struct procs {
	struct proc at[PROCS_MAX];
	int count;
};

struct proc *procs_find(struct procs *p, pid_t pid);
/* The one that is there, or a new one; NULL: they are too many. */
struct proc *procs_add(struct procs *p, pid_t pid);
void procs_drop(struct procs *p, pid_t pid);

#endif
