/* SPDX-License-Identifier: MIT */
/*
 * From a pid to a struct target: which file of the process holds a CPython interpreter, which
 * version it is, and where it is mapped. Reads /proc and the ELF file only; never stops or changes
 * the process.
 */
#ifndef FT_DISCOVER_H
#define FT_DISCOVER_H

#include <stdbool.h>

#include "base/why.h"
#include "discover/binary.h"
#include "model/target.h"

/*
 * 0 and a target to be released; -ESRCH (exit 3): no such process; -ENOENT (exit 3): no Python in
 * it; -EACCES (exit 4): not permitted; -ENOEXEC (exit 6): a Python that is not CPython or whose
 * version is not found. -EAGAIN (exit 3): the executable needs a libpython that is not mapped yet
 * (a process that has just been started). binaries: files that are known already, this target's
 * among them until binaries_rest(); NULL = none.
 */
int discover_target(pid_t pid, struct binaries *binaries, struct target *ret_target, struct why *w);

/*
 * Call this after a failure: everything of a process can vanish while it is read. Returns err, or,
 * if the process is gone by now, -ESRCH (exit 3) with w saying so.
 */
int discover_unless_gone(pid_t pid, int err, struct why *w);

/*
 * Is the process still the one that was examined, with that file mapped there? -ESRCH (exit 3): it
 * is gone and its pid may be reused; -ESTALE (exit 3): it runs another program. Called after
 * attaching: what is true then was true all the time since.
 */
int discover_unchanged(const struct target *t, struct why *w);

/* Is the module greenlet loaded? */
bool discover_greenlets(pid_t pid);

/* Is this the name of a file with an interpreter that other programs load (libpython)? */
bool discover_is_library(const char *path);
/* Has the process mapped one? */
bool discover_has_library(pid_t pid);

/* The file of an interpreter, by its name: a libpython, or a program such as python3.11. */
bool discover_is_interpreter(const char *path);

/* Processes of this machine, or of the PID namespace of /proc; returns how many were written. */
int discover_processes(pid_t *ret_pids, int max);
/* Children of pid (all descendants); returns how many were written. */
int discover_children(pid_t pid, pid_t *ret_pids, int max);
/* Those that run Python. */
int discover_python_children(pid_t pid, pid_t *ret_pids, int max);

#endif
