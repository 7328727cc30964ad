/* SPDX-License-Identifier: MIT */
/* A file that a process has mapped: how we can open it, and where it lies there. */
#ifndef FT_MAPPED_H
#define FT_MAPPED_H

#include "discover/elf.h"
#include "discover/proc.h"

/* A path as the process sees it: without the directory that is its root (chroot). */
const char *mapped_inside(const char *path, const char *root);

/*
 * A path that we can open: through the process' root when that is still the same file (it may
 * have been replaced by a package upgrade), else through the mapping itself, which needs
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE. root: what /proc/PID/root names.
 */
void mapped_open_path(pid_t pid, const struct proc_map *m, const char *root, char *ret_path,
		      size_t size);

/* Address in the process - address in the file; -ENOENT: no segment of it is mapped there. */
int mapped_bias(const struct elf *e, const struct proc_map *m, uint64_t *ret_bias);

#endif
