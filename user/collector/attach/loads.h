/* SPDX-License-Identifier: MIT */
/*
 * Who maps a file for execution, anywhere on this machine: the kernel tells each time that a
 * program or a library is loaded (perf's mmap records, which need no probe and cost nothing between
 * two). In: a question about a file's name. Out: the processes that loaded one.
 */
#ifndef FT_LOADS_H
#define FT_LOADS_H

#include <stdbool.h>
#include <sys/types.h>

struct loads;

struct load {
	pid_t pid, tid; /* pid 0: some were not told, it may be anybody */
};

/* wanted: is it such a file? -errno where the kernel does not let us. */
int loads_new(bool (*wanted)(const char *path), struct loads **ret_loads);
void loads_free(struct loads *l); /* NULL is fine */

/* Readable when there may be some. */
int loads_fd(const struct loads *l);
/* The next one, if there is one; never blocks. */
bool loads_next(struct loads *l, struct load *ret);

#endif
