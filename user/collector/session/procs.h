/* SPDX-License-Identifier: MIT */
/* The processes that are traced or followed, by their pids. */
#ifndef FT_PROCS_H
#define FT_PROCS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc {
	pid_t pid;
	uint64_t look;		    /* number of the look under way; 0 = none */
	bool again;		    /* the result of that look may be out of date: look again */
	bool held;		    /* it is stopped until it is looked at */
	uint64_t asked_ns;	    /* time of the last looks_ask(): an exec before it is covered */
	uint64_t retry_until_ns;    /* until then a libpython is awaited; 0 = not */
	bool undecided;		    /* whether it is one of those chosen is not known yet */
	bool bare;		    /* it has no Python so far, but may load one */
	bool refused;		    /* its Python cannot be traced, which was reported */
	bool loaded;		    /* it loads a libpython while it runs */
	uint64_t check_ns, wait_ns; /* of a bare one: next check, and interval */
};

struct procs {
	struct proc *at; /* owned: room for max */
	int count, max;
};

/* -ENOMEM */
int procs_init(struct procs *p, int max);
void procs_release(struct procs *p);

struct proc *procs_find(struct procs *p, pid_t pid);
/* The entry of pid, or a new one; NULL: there are too many. */
struct proc *procs_add(struct procs *p, pid_t pid);
void procs_drop(struct procs *p, pid_t pid);

#endif
