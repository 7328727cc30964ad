/* SPDX-License-Identifier: MIT */
/*
 * A program that we start, held at its exec (ptrace) until it is hooked, so that its first call is
 * seen. Launchers in between (sh, env, chroot) are held at each exec too, and so are their
 * children, until a process has become one that is traced and is released for good. A process that
 * we did not start is never held.
 */
#ifndef FT_LAUNCH_H
#define FT_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"

struct launch;

/* Forks. The child waits before its exec until launch_go, and ends if we end first. children: those
 * that it forks are held at their execs too. Exit 2: it cannot be run. */
int launch_new(char **command, bool children, struct launch **ret_launch, struct why *w);
int launch_go(struct launch *l, struct why *w);
/* Releases every process that is still held; kill_it ends the command. NULL is fine. */
void launch_free(struct launch *l, int kill_it);
pid_t launch_pid(const struct launch *l);
/* Will this process be reported by launch_next when it execs? */
int launch_holds(const struct launch *l, pid_t pid);

enum launch_event {
	LAUNCH_NOTHING,
	LAUNCH_EXEC,  /* *ret_pid is held at an exec: launch_release, _hold_on or _step it */
	LAUNCH_ENDED, /* the command exited: *ret_status as a shell reports it */
};
/* The next event since the last call; never blocks. */
enum launch_event launch_next(struct launch *l, pid_t *ret_pid, int *ret_status);
/* Stops the main thread, which is loading the library that we wait for, and reports it as
 * LAUNCH_EXEC; false: it is not ours to stop. */
bool launch_stop(struct launch *l, pid_t pid);
void launch_release(struct launch *l, pid_t pid); /* it runs without ptrace from here */
void launch_hold_on(struct launch *l, pid_t pid); /* it runs to its next exec */
/* It runs for a few more system calls, and is then reported as LAUNCH_EXEC again: its dynamic
 * linker has not yet mapped the library that we wait for. */
void launch_step(struct launch *l, pid_t pid);

#endif
