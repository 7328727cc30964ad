/* SPDX-License-Identifier: MIT */
/* What the files of targets.h share; private to them. */
#ifndef FT_TARGETS_PARTS_H
#define FT_TARGETS_PARTS_H

#include "attach/launch.h"
#include "attach/loads.h"
#include "base/map.h"
#include "looks.h"
#include "node/identities.h"
#include "procs.h"
#include "rulebook.h"
#include "targets.h"

#define RETRY_LIMIT_NS (2 * NS_PER_SECOND) /* for a libpython to be mapped after an exec */

/* The processes that a scan of the machine found. */
struct scan {
	pid_t *pid; /* owned */
	int count, next;
	bool wanted; /* something may have been missed: scan again */
	bool again;  /* it is not the first one */
	uint64_t began_ns;
};

#define FINDS_MAX 64

/* Processes that may run Python, though the name of their file does not say so. */
struct finds {
	struct find {
		uint64_t look, dev, inode; /* number of the look under way; its file, or 0 */
	} at[FINDS_MAX];
	int count;
	struct map files; /* that were looked at: device and inode -> when */
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
	struct rulebook *rulebook;
	struct loads *loads; /* NULL = not needed (every process has Python), or not permitted */
	struct prepared *prepared; /* one for each --pid */
	struct procs procs;
	struct scan scan; /* with --all */
	struct finds finds;

	uint64_t decided_ns;	      /* when it was last asked who is chosen */
	int children;		      /* existing ones that are still being looked at */
	uint64_t joined_ns;	      /* when the last of those was done, or the first asked for */
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
/* One was looked at of which BPF knew nothing: it is hooked now, or why it is not. */
void targets_tell_looked(struct targets *t, const struct look *k);
/* Whether it is to be traced is not known yet. came: during the run, so what it does until then is
 * missed. */
int targets_decide_later(struct targets *t, pid_t pid, bool came);

/* ---- node.c: --all ---- */

int targets_attach_all(struct targets *t);
/* Looks at more of the processes that the scan found. */
void targets_scan_on(struct targets *t);
/* A process has just mapped the file of an interpreter. */
void targets_on_interpreter(struct targets *t, pid_t pid);
/* A process runs no Python any more: it is forgotten until it does. */
void targets_leave(struct targets *t, pid_t pid);

/* ---- finds.c: --all, Python under another name ---- */

/* A process that is not known has mapped a file for execution. */
void targets_on_file(struct targets *t, const struct load *l);
/* Looks at a process, for its file or (0, 0) for itself. False: too many are being looked at. */
bool targets_find(struct targets *t, pid_t pid, uint64_t dev, uint64_t inode);
/* It was looked at. */
void targets_found(struct targets *t, const struct look *k);

/* ---- libraries.c: what loads a libpython later ---- */

void targets_watch(struct targets *t, struct proc *proc);
void targets_look_at_loads(struct targets *t);

#endif
