/* SPDX-License-Identifier: MIT */
/*
 * Links, which attach BPF programs to instructions of a file. In: a program, and the places where
 * it is to run. If the kernel has links for many places (uprobe_multi), one link attaches a program
 * to all its places in a file: closing it costs about as much as closing the perf link of one
 * place. Closing, or the end of this process in any way, detaches the programs. Private to attach/.
 */
#ifndef FT_LINKS_H
#define FT_LINKS_H

#include <bpf/libbpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/hooks.h"

/* linux/bpf.h has these from 6.6 on. */
#define FT_TRACE_UPROBE_MULTI 48
#define FT_UPROBE_MULTI_RETURN 1

struct link {
	struct bpf_link *perf; /* NULL: a multi link, */
	int fd;		       /* which is this descriptor */
};

struct links {
	struct link link[HOOKS_MAX];
	int count;
};

/* Hooks of one role. */
struct places {
	const struct hook *hook[HOOKS_MAX];
	uint64_t cookie[HOOKS_MAX]; /* bpf_get_attach_cookie(); 0 = none */
	int count;
};

/* A file, and the processes for which it is hooked. */
struct links_file {
	const char *path; /* /proc/self/fd/N */
	pid_t pid;	  /* -1 = all that map it */
};

/* Does this kernel have such links, also for a single process (6.6)? */
bool links_are_multi(void);
/* Has it cookies (5.15)? Else the links have none. */
bool links_have_cookies(void);
/* Before the program is loaded, since the kernel wants to know then: it will be put on by a multi
 * link. */
void links_prepare(struct bpf_program *program);
/* -errno: the program is then attached nowhere, except by links that l already has, which are to be
 * closed. */
int links_put(struct links *l, struct bpf_program *program, const struct links_file *f,
	      const struct places *places);
/* Detaches all programs from these files. The kernel waits until no CPU can be in a link's program,
 * so the links are closed in parallel. */
void links_close(struct links *files, int nfiles);

#endif
