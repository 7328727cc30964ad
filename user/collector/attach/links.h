/* SPDX-License-Identifier: MIT */
/*
 * What holds BPF programs on the instructions of a file. In: a program, and the places where it is
 * to run. Where the kernel has links for many places (uprobe_multi), one holds a program on all its
 * places in a file: taking one out costs about as much as the perf link of one place. Closing, or
 * the end of this process in any way, takes the programs off. Private to attach/.
 */
#ifndef FT_LINKS_H
#define FT_LINKS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/hooks.h"

/* linux/bpf.h has these from 6.6 on. */
#define FT_TRACE_UPROBE_MULTI 48
#define FT_UPROBE_MULTI_RETURN 1

struct link {
	struct bpf_link *perf; /* NULL: it is a multi link, */
	int fd;		       /* which is this descriptor */
};

struct links {
	struct link link[HOOKS_MAX];
	int count;
};

/* Hooks of one role. */
struct places {
	const struct hook *hook[HOOKS_MAX];
	int count;
};

/* A file, and whose. */
struct links_file {
	const char *path; /* of a descriptor of ours */
	pid_t pid;	  /* -1 = of all that map it */
};

/* Has this kernel such links, for one process too (6.6)? */
bool links_are_multi(void);
/* Before the program is loaded, since the kernel wants to know then: it will be put on by a multi
 * link. */
void links_prepare(struct bpf_program *program);
/* -errno, and then it is on none of them, unless there are links that are to be closed. */
int links_put(struct links *l, struct bpf_program *program, const struct links_file *f,
	      const struct places *places);
/* Takes all programs off these files. The kernel lets go of a link when no CPU can be in its
 * program, and many links can wait for that together. */
void links_close(struct links *files, int nfiles);

#endif
