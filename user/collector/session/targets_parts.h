/* SPDX-License-Identifier: MIT */
/* What the files of targets.h share; private to them. */
#ifndef FT_TARGETS_PARTS_H
#define FT_TARGETS_PARTS_H

#include "attach/launch.h"
#include "attach/loads.h"
#include "looks.h"
#include "procs.h"
#include "targets.h"

#define RETRY_LIMIT_NS (2 * NS_PER_SECOND) /* for a libpython to be mapped after an exec */

struct targets {
	const struct config *config; /* borrowed */
	const struct ui *ui;	     /* borrowed */
	struct why *why;	     /* borrowed */
	struct attach *attach;	     /* borrowed */
	struct launch *launch;
	struct binaries *binaries; /* the looks', once there are any */
	struct looks *looks;
	struct loads *loads; /* once a process has no Python in it; NULL = not, or not permitted */
	struct prepared *prepared; /* one for each --pid */
	struct procs procs;

	int children;		      /* that were there before us, and are still looked at */
	bool told_blind;	      /* said that contexts are not hooked */
	bool any_python, any_library; /* hooked; seen in a process, hooked or not */
	bool running;		      /* the command was let go: it is not ours to end any more */
	bool ended;
	bool stuck; /* the looks did not end */
	int command_status;
	struct why refused; /* why the command itself could not be hooked */
};

/* ---- newcomers.c: from a pid to hooks ---- */

/* A process that came to us by fork or exec: it may be anything. */
void targets_look_at(struct targets *t, pid_t pid);
void targets_tell_hooked(struct targets *t, const struct prepared *r);

/* ---- libraries.c: what loads a libpython later ---- */

void targets_watch(struct targets *t, struct proc *proc);
void targets_look_at_loads(struct targets *t);

#endif
