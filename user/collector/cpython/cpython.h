/* SPDX-License-Identifier: MIT */
/*
 * The one place that knows how one CPython differs from another. In: a target whose binary and
 * version are known. Out: a struct ft_layout (offsets and addresses) and a struct hooks (where to
 * put probes). Refuses what it does not know: -ENOEXEC with exit status 6 and a text that names
 * what was found and what was looked for.
 */
#ifndef FT_CPYTHON_H
#define FT_CPYTHON_H

#include "base/why.h"
#include "ft_layout.h"
#include "model/hooks.h"
#include "model/target.h"

enum backend { BACKEND_AUTO, BACKEND_USDT, BACKEND_UPROBE, BACKEND_AGENT };

/* Fills ret_layout for the process (addresses are absolute: t->bias is added). */
int cpython_layout(const struct target *t, struct ft_layout *ret_layout, struct why *w);

/* Is its interpreter initialised, so that modules of the program may run? False where that cannot
 * be told. */
bool cpython_has_begun(pid_t pid, const struct ft_layout *l);

/*
 * Finds the hook sites. BACKEND_AUTO: of the cheapest backend that sees every call. The probes of
 * an extension (BACKEND_AGENT, which needs no layout) are used only when named. asked: what is to
 * be seen beside calls, HOOKS_HTTP (for which request a task or thread works) and runtime events.
 */
int cpython_hooks(const struct target *t, enum backend backend, unsigned asked,
		  struct hooks *ret_hooks, struct why *w);

/* The roles (bits) of runtime events that are not asked for. */
unsigned cpython_idle_roles(unsigned asked);

/* Why this runtime event cannot be seen of a process; static. returns: its hooks may be put on
 * returns of functions. NULL: it can, or is not asked for. */
const char *cpython_no_runtime(const struct hooks *h, enum ft_runtime kind, bool returns);

/*
 * What cannot be seen of this process, one sentence each (static): ret has room for
 * CPYTHON_UNSEEN_MAX; returns how many.
 */
#define CPYTHON_UNSEEN_MAX (8 + FT_RUNTIME_COUNT)
int cpython_unseen(const struct target *t, const struct hooks *hooks,
		   const char *ret[CPYTHON_UNSEEN_MAX]);

#endif
