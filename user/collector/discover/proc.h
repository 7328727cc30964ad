/* SPDX-License-Identifier: MIT */
/*
 * What /proc tells of one process: does it exist, which files has it mapped for execution, where is
 * its root. Every file is opened once and read to its end.
 */
#ifndef FT_PROC_H
#define FT_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/why.h"

/* One mapping of a file. dev and inode are those of the file below all overlays. */
struct proc_map {
	uint64_t start, end, file_offset;
	uint64_t dev, inode;
	bool executable;
	char path[4096]; /* without " (deleted)" */
};

/* -ESRCH, -EACCES, or 0 with the number of threads. Zombies are gone: -ESRCH. */
int proc_status(pid_t pid, int *ret_nthreads, struct why *w);

/* The pid in the process' own PID namespace; pid if that is not known. */
pid_t proc_own_pid(pid_t pid);

/* The target of /proc/PID/<name>; -ENOENT for a kernel thread's exe. */
int proc_link(pid_t pid, const char *name, char *ret_path, size_t size, struct why *w);

/* Calls fn for every executable mapping of a file until it returns non-zero; returns that. */
typedef int proc_map_fn(void *ctx, const struct proc_map *m);
int proc_each_file_map(pid_t pid, proc_map_fn *fn, void *ctx,
		       struct why *w); /* every mapping of a file */
int proc_each_map(pid_t pid, proc_map_fn *fn, void *ctx, struct why *w);

/* Our own mapping that begins at address, with any rights. */
int proc_own_map(const void *address, struct proc_map *ret_map);

/* The value of a variable in the environment that the process was started with, into
 * ret_value; false: it has none, or the environment cannot be read. */
bool proc_environ(pid_t pid, const char *name, char *ret_value, size_t size);

/* Cuts the kernel's " (deleted)" mark off. */
void proc_cut_deleted(char *path);

#endif
