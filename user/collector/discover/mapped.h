/* SPDX-License-Identifier: MIT */
/*
 * A file that a process has mapped: opened once, proven to be the one that is mapped, and where it
 * lies there. Whoever owns the process may swap what its paths name at any moment, so a path is
 * never trusted: what is read and hooked is the descriptor.
 */
#ifndef FT_MAPPED_H
#define FT_MAPPED_H

#include "discover/proc.h"
#include "model/binary.h"

#define MAPPED_FD_PATH 40 /* room for "/proc/self/fd/N" */

/*
 * A file as the kernel names it in maps. stat(2) says something else on btrfs and overlayfs, so
 * for a file of ours it is asked by mapping a page of it.
 */
struct mapped_id {
	uint64_t dev, inode;
};

/* The mappings of files in a process. */
struct mapped_list {
	struct mapped_place {
		uint64_t start, end, file_offset;
		struct mapped_id id;
		bool executable;
	} * at;
	size_t count, room;
};

/* A path as the process sees it: without the directory that is its root (chroot). */
const char *mapped_inside(const char *path, const char *root);

/*
 * Opens the file of a mapping: through the mapping itself (CAP_SYS_ADMIN or
 * CAP_CHECKPOINT_RESTORE; it may be deleted), else by its name beneath the process' root, without
 * links out of it. -ESTALE (exit 6): neither is the file that is mapped. The descriptor is never
 * below 3. root: what /proc/PID/root names.
 */
int mapped_open(pid_t pid, const struct proc_map *m, const char *root, int *ret_fd, struct why *w);
/* The process' executable, likewise, and which file that is. */
int mapped_open_exe(pid_t pid, int *ret_fd, struct mapped_id *ret_id, struct why *w);
/* The name under which everybody here, the kernel too, opens that very file. */
void mapped_fd_path(int fd, char ret_path[MAPPED_FD_PATH]);

int mapped_add(struct mapped_list *l, const struct proc_map *m);
void mapped_release(struct mapped_list *l);

/*
 * Where the file is loaded: address in the process - address in the file. A file may be mapped
 * more than once (libffi maps a page of the interpreter again for its trampolines): the loader's
 * mapping is the one that shows the most code. ret_place: the largest part of it. -ENOENT: no code
 * of it is mapped.
 */
int mapped_bias(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *l,
		uint64_t *ret_bias, struct mapped_place *ret_place);

/* Is all of its data where it belongs? A loader maps code first. */
bool mapped_whole(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *l,
		  uint64_t bias);

#endif
