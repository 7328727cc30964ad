/* SPDX-License-Identifier: MIT */
/*
 * From a pid to a struct target: which file of the process holds a CPython interpreter,
 * which version it is, and where it is mapped. Reads /proc and the ELF file only; never
 * stops or touches the process.
 */
#ifndef FT_DISCOVER_H
#define FT_DISCOVER_H

#include <stdbool.h>

#include "base/why.h"
#include "discover/binary.h"
#include "model/target.h"

/*
 * 0 and a target to be released; -ESRCH (exit 3): no such process; -ENOENT (exit 3): no
 * Python in it; -EACCES (exit 4): not permitted; -ENOEXEC (exit 6): a Python that is not
 * CPython or whose version cannot be told. -EAGAIN (exit 3): the executable needs a
 * libpython that is not mapped yet (a process that has just been started). binaries: what is known
 * of files already, and of this target's until binaries_rest(); NULL = nothing.
 */
int discover_target(pid_t pid, struct binaries *binaries, struct target *ret_target, struct why *w);

/*
 * A failure to look at a process that is gone by now is that it is gone: err, or -ESRCH
 * (exit 3) with w saying so. Whatever is read of a process can vanish under the reader.
 */
int discover_unless_gone(pid_t pid, int err, struct why *w);

/*
 * Is the process still the one that was looked at, with that file mapped there? -ESRCH (exit 3): it
 * is gone, its number may be another's; -ESTALE (exit 3): it has become another program. Asked
 * after it was attached to: what is true then was so all the time.
 */
int discover_unchanged(const struct target *t, struct why *w);

/* Is the module greenlet loaded? */
bool discover_greenlets(pid_t pid);

/* Does a file of this name hold an interpreter for others to load? */
bool discover_is_library(const char *path);
/* Has the process mapped one? */
bool discover_has_library(pid_t pid);

/* Children of pid (all descendants); returns how many were written. */
int discover_children(pid_t pid, pid_t *ret_pids, int max);
/* Those that run Python. */
int discover_python_children(pid_t pid, pid_t *ret_pids, int max);

#endif
