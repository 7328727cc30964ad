/* SPDX-License-Identifier: MIT */
/* What the files of targets.h share; private to them. */
#ifndef FT_TARGETS_PARTS_H
#define FT_TARGETS_PARTS_H

#include "attach/launch.h"
#include "attach/loads.h"
#include "looks.h"
#include "node/identities.h"
#include "procs.h"
#include "targets.h"

#define RETRY_LIMIT_NS (2 * NS_PER_SECOND) /* for a libpython to be mapped after an exec */

/* The processes that a scan of the machine found. */
struct scan {
	pid_t *pid; /* owned */
	int count, next;
	bool wanted; /* something may have been missed: scan again */
	uint64_t began_ns;
};

struct targets {
	const struct config *config; /* borrowed */
	const struct ui *ui;	     /* borrowed */
	struct why *why;	     /* borrowed */
	struct attach *attach;	     /* borrowed */
	struct launch *launch;
	struct binaries *binaries; /* used by the thread of looks once it runs */
	struct looks *looks;
	struct identities *identities;
	struct loads *loads; /* NULL = not needed (every process has Python), or not permitted */
	struct prepared *prepared; /* one for each --pid */
	struct procs procs;
	struct scan scan; /* with --all */

	int children;		      /* existing ones that are still being looked at */
	bool told_blind;	      /* it was reported that contexts are not hooked */
	bool any_python, any_library; /* one was hooked; a libpython was loaded, hooked or not */
	bool running;		      /* the command was let run: we do not end it any more */
	bool ended;
	bool stuck; /* a look did not end */
	int command_status;
	struct why refused; /* why the command itself could not be hooked */
};

/* ---- newcomers.c: from a pid to hooks ---- */

/* Looks at a process that came by fork or exec: it may run any program. */
void targets_look_at(struct targets *t, pid_t pid);
void targets_tell_hooked(struct targets *t, const struct prepared *r);

/* ---- node.c: --all ---- */

int targets_attach_all(struct targets *t);
/* Looks at more of the processes that the scan found. */
void targets_scan_on(struct targets *t);
/* A process has just mapped the file of an interpreter. */
void targets_on_interpreter(struct targets *t, pid_t pid);
/* A process runs no Python any more: it is forgotten until it does. */
void targets_leave(struct targets *t, pid_t pid);

/* ---- libraries.c: what loads a libpython later ---- */

void targets_watch(struct targets *t, struct proc *proc);
void targets_look_at_loads(struct targets *t);

#endif
