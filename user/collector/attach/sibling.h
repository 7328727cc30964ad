/* SPDX-License-Identifier: MIT */
/*
 * A process that shares this one's memory and descriptors, and outlives it. Linux (6.18 seen)
 * cannot write to a process's code for a caller whom SIGKILL has reached: links that this one is
 * just putting on or taking off would leave their breakpoints in the target ("failed to unregister,
 * leaking uprobe" in the kernel's log). A sibling is not reached, ends its call, and its own end
 * then closes the descriptors. Private to attach/.
 */
#ifndef FT_SIBLING_H
#define FT_SIBLING_H

#include <stdbool.h>
#include <sys/types.h>

struct sibling {
	pid_t pid; /* 0: there is none, and the caller made the call itself */
	void *stack;
};

/*
 * Makes the call in a sibling, beside the caller. It may do nothing but system calls: a lock that
 * another thread holds when this process is killed stays locked. Where the system allows no further
 * process the call is made here.
 */
void sibling_start(struct sibling *sibling, int (*call)(void *), void *arg);
/* Waits for the call's end. */
void sibling_join(struct sibling *sibling);

#endif
