/* SPDX-License-Identifier: MIT */
/*
 * The extension flowtrace_agent._core in a process: a mapped file of that name, and the status
 * that it keeps in the process' memory (ft_agent.h), which is untrusted input.
 */
#ifndef FT_DISCOVER_AGENT_H
#define FT_DISCOVER_AGENT_H

#include "discover/binary.h"
#include "discover/mapped.h"
#include "discover/proc.h"
#include "model/agent.h"
#include "model/target.h"

/* Is it that file, judged by its name, ".../flowtrace_agent/_core.*.so"? */
bool agent_is_file(const char *path);

/*
 * Fills in t->agent as far as possible: nothing (path NULL) when its file cannot be read. m: an
 * executable mapping of it; all: those of the process; root: the target of /proc/PID/root.
 */
void agent_look(struct target *t, const struct proc_map *m, const struct mapped_list *all,
		const char *root, struct binaries *binaries);

/* Is the status plausible? own_pid: the process' pid in its own PID namespace. */
bool agent_status_valid(const struct ft_agent_status *s, pid_t own_pid);

#endif
