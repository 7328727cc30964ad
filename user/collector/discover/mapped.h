/* SPDX-License-Identifier: MIT */
/*
 * A file that a process has mapped: opened once, proven to be the mapped one, and its place in the
 * process. The owner of the process may change at any moment what its paths lead to, so a path is
 * never trusted: the descriptor is what is read and hooked.
 */
#ifndef FT_MAPPED_H
#define FT_MAPPED_H

#include "discover/proc.h"
#include "model/binary.h"

#define MAPPED_FD_PATH 40 /* room for "/proc/self/fd/N" */

/*
 * A file as the kernel names it in /proc/PID/maps. stat(2) gives other numbers on btrfs and
 * overlayfs, so for a file of ours they are found by mapping a page of it.
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
 * Opens the file of a mapping: through the mapping itself (CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE;
 * it may be deleted), else by its name beneath the process' root, without links out of it. -ESTALE
 * (exit 6): neither is the mapped file. The descriptor is at least 3. root: the target of
 * /proc/PID/root.
 */
int mapped_open(pid_t pid, const struct proc_map *m, const char *root, int *ret_fd, struct why *w);
/* Opens the process' executable in the same way; *ret_id: which file it is. */
int mapped_open_exe(pid_t pid, int *ret_fd, struct mapped_id *ret_id, struct why *w);
/* The path by which every thread of ours, and the kernel for us, opens that very file. */
void mapped_fd_path(int fd, char ret_path[MAPPED_FD_PATH]);

int mapped_add(struct mapped_list *l, const struct proc_map *m);
void mapped_release(struct mapped_list *l);

/*
 * Where the file is loaded: address in the process - address in the file. A file may be mapped more
 * than once (libffi maps a page of the interpreter again for its trampolines): the loader's mapping
 * is the one that has the most code. ret_place: its largest part. -ENOENT: no code of the file is
 * mapped.
 */
int mapped_bias(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *l,
		uint64_t *ret_bias, struct mapped_place *ret_place);

/* Is all of its data mapped too? A loader maps code first. */
bool mapped_whole(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *l,
		  uint64_t bias);

#endif
