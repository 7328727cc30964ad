/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "attach/sibling.h"

#define STACK_SIZE 65536

void sibling_start(struct sibling *sibling, int (*call)(void *), void *arg)
{
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	*sibling = (struct sibling){.stack = stack};
	if (stack != MAP_FAILED)
		sibling->pid = clone(call, stack + STACK_SIZE, CLONE_VM | CLONE_FILES, arg);
	if (stack == MAP_FAILED || sibling->pid < 0) {
		sibling->pid = 0;
		call(arg);
	}
}

void sibling_join(struct sibling *sibling)
{
	/* Who waits for any child may have been told already: there is none then. */
	while (sibling->pid && waitpid(sibling->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	if (sibling->stack != MAP_FAILED)
		munmap(sibling->stack, STACK_SIZE);
}
