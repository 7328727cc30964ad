/* SPDX-License-Identifier: MIT */
/*
 * Which file is mapped, as the file system that holds it knows it? An overlay gives the same file a
 * device of its own in each container; uprobes are kept by the inode beneath. Private to attach/.
 */
#ifndef FT_REAL_FILE_H
#define FT_REAL_FILE_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct real_file {
	dev_t dev;
	ino_t inode;
};

/* Is the file of this descriptor on an overlay? */
bool real_file_differs(int fd);
/* The file that the process has mapped at an address. program: the iterator of mapped.bpf.c. False:
 * there is none, or the kernel cannot tell (before 6.1). */
bool real_file_find(struct bpf_program *program, pid_t pid, uint64_t address,
		    struct real_file *ret);

#endif
