/* SPDX-License-Identifier: MIT */
/*
 * Processes that map a file for execution, anywhere on this machine: the kernel reports each load
 * of a program or a library (perf's mmap records, which need no probe and cost nothing between
 * loads). In: a predicate on the file's name. Out: the processes that loaded such a file, and, if
 * that is asked for, those that loaded any other.
 */
#ifndef FT_LOADS_H
#define FT_LOADS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loads;

struct load {
	pid_t pid, tid; /* pid 0: records were lost, so any process may have loaded one */
	bool wanted;	/* by its name */
	uint64_t dev, inode;
};

/* wanted: is this such a file? others: other files are reported too. -errno: the kernel does not
 * permit it. */
int loads_new(bool (*wanted)(const char *path), bool others, struct loads **ret_loads);
void loads_free(struct loads *l); /* NULL is fine */

/* Readable when there may be loads. */
int loads_fd(const struct loads *l);
/* Gets the next load; false: none. Never blocks. */
bool loads_next(struct loads *l, struct load *ret);

#endif
