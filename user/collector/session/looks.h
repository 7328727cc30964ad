/* SPDX-License-Identifier: MIT */
/*
 * Examines processes and hooks them, on a thread of its own: their files may be on a file system
 * that answers late or never, and the ring must be drained meanwhile. In: pids. Out, when the
 * descriptor is readable: the result for each. The thread owns the binaries, and it alone hooks
 * while it runs; ptrace stays with the calling thread.
 */
#ifndef FT_LOOKS_H
#define FT_LOOKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/attach.h"
#include "base/why.h"
#include "config.h"
#include "discover/binary.h"
#include "node/identities.h"
#include "prepare.h"
#include "rulebook.h"

/* Why one that was named is not traced. */
#define LOOK_REFUSED "its pod says flowtrace/trace: \"false\", or has prefixes that are not valid"

#define LOOKS_MAX 4096 /* asked for and not yet taken */

enum look_kind {
	LOOK_USUAL,
	LOOK_HELD,  /* it is stopped, so it comes first */
	LOOK_CHILD, /* it existed before us: traced if it runs Python, else left alone */
	LOOK_FOUND, /* the same for one that came; it comes last, since few are Python */
};

struct look {
	pid_t pid;
	uint64_t number;
	enum look_kind kind;
	int err; /* 0 = hooked; -EXDEV: it is not one of those chosen; -EINPROGRESS: that is
		  * not known yet, see identities_choice() */
	struct why why;
	struct prepared *found; /* owned; NULL = it is not hooked */
	bool python;		/* the process has an interpreter, hooked or not */
	struct look *next;
};

struct looks;

/* All arguments are borrowed. The thread starts with the first looks_ask(). */
int looks_new(const struct config *c, struct attach *a, struct binaries *binaries,
	      struct looks **ret_looks, struct why *w);
/* False: the thread is stuck in reading a file, so nothing that it uses may be freed. Looks that
 * are not done are forgotten. NULL is fine. */
bool looks_stop(struct looks *l);
/* Says who each process is before it is hooked, and seeks what is not known of one. i is borrowed;
 * NULL: it is not asked for. */
void looks_identify(struct looks *l, struct identities *i);
/* What is asked for of each process, and its upkeep. b is borrowed; NULL: of all the same. */
void looks_follow(struct looks *l, struct rulebook *b);
/* The thread has its upkeep to do, whether a look is asked for or not; now if it waits. */
void looks_wake(struct looks *l);
void looks_free(struct looks *l); /* only when stopped; NULL is fine */

/* Returns the number of the look; 0: there are too many. */
uint64_t looks_ask(struct looks *l, pid_t pid, enum look_kind kind);
int looks_fd(const struct looks *l);
/* The next result, or NULL. */
struct look *looks_take(struct looks *l);
void look_free(struct look *k);

/* Hooks what was looked at, by this policy, or nothing: its number may be another's by now, and it
 * may run another program than then (attach_program_of()). */
int look_hook(struct attach *a, const struct config *c, uint64_t program, uint32_t policy,
	      const struct prepared *p, struct why *w);

#endif
