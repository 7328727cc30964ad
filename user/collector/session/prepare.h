/* SPDX-License-Identifier: MIT */
/*
 * All that attaching needs to know of a process, found without touching it:
 *
 *     pid -> discover -> cpython (layout, hooks)
 *
 * With --backend auto the probes of flowtrace_agent are used alone if they report every call that
 * is asked for (agent_coverage.h), else only those of the interpreter: so each call is seen once.
 */
#ifndef FT_PREPARE_H
#define FT_PREPARE_H

#include <stdbool.h>

#include "base/why.h"
#include "config.h"
#include "ft_layout.h"
#include "model/hooks.h"
#include "model/target.h"

struct binaries;

/* A target that was examined and not yet touched. */
struct prepared {
	struct target target;	 /* to be released with target_release() */
	struct ft_layout layout; /* zeroes where the hooks are the agent's */
	struct hooks hooks;
};

/* What is asked for beside calls, as cpython_hooks() takes it. */
unsigned prepare_asked(const struct config *c);
/* The roles of any hooks that this may need, as attach_options.roles. */
unsigned prepare_roles(const struct config *c);
/* On failure what was found until then is in ret, which was zeroes before. binaries: what is known
 * of files already; NULL = nothing. */
int prepare(pid_t pid, const struct config *c, struct binaries *binaries, struct prepared *ret,
	    struct why *w);
/* Does the process run modules of its program by now? */
bool prepared_has_begun(const struct prepared *p);
/* The roles of the hooks, as attach_options.roles. */
unsigned prepared_roles(const struct prepared *p);

#endif
