/* SPDX-License-Identifier: MIT */
/*
 * Looks at processes and hooks them, on a thread of its own: their files may be on a file system
 * that answers late or never, and the ring must be drained meanwhile. In: pids. Out, when the
 * descriptor is readable: what became of each. The thread owns the binaries, and it alone hooks
 * while it lives; ptrace stays with the thread that asks.
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
#include "prepare.h"

#define LOOKS_MAX 4096 /* asked for and not taken */

enum look_kind {
	LOOK_USUAL,
	LOOK_HELD,  /* it is stopped, so it comes first */
	LOOK_CHILD, /* it was there before us: traced if it is Python, else left alone */
};

struct look {
	pid_t pid;
	uint64_t number;
	enum look_kind kind;
	int err; /* 0 = hooked */
	struct why why;
	struct prepared *found; /* owned: of what is hooked; NULL = it is not */
	bool python;		/* there is one in it, hooked or not */
	struct look *next;
};

struct looks;

/* All are borrowed. The thread starts with the first question. */
int looks_new(const struct config *c, struct attach *a, struct binaries *binaries,
	      struct looks **ret_looks, struct why *w);
/* False: the thread does not come back from a file, so nothing that it uses may be freed. What was
 * not looked at is forgotten. NULL is fine. */
bool looks_stop(struct looks *l);
void looks_free(struct looks *l); /* when stopped; NULL is fine */

/* Its number; 0: they are too many. */
uint64_t looks_ask(struct looks *l, pid_t pid, enum look_kind kind);
int looks_fd(const struct looks *l);
/* The next result, or NULL. */
struct look *looks_take(struct looks *l);
void look_free(struct look *k);

/* Hooks what was looked at, or nothing: its number may be another's by now. */
int look_hook(struct attach *a, const struct config *c, const struct prepared *p, struct why *w);

#endif
