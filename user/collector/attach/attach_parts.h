/* SPDX-License-Identifier: MIT */
/* What the files of attach.h share; private to them. */
#ifndef FT_ATTACH_PARTS_H
#define FT_ATTACH_PARTS_H

#include "attach/attach.h"
#include "attach/links.h"
#include "flowtrace.skel.h"
#include "ft_maps.h"

#define HOOKED_MAX FT_HOOKED

/* A file that is hooked, for every process that maps it (follow) or for one process. */
struct hooked {
	dev_t dev;
	ino_t inode;
	pid_t pid; /* -1 = all that map it */
};

struct attach {
	struct flowtrace *skel;
	bool follow;
	struct ft_policy policy;
	bool (*stopped)(void *arg);
	void *arg;
	int handler; /* of libbpf: called before each program; < 0: none */
	enum { RETURNS_UNTRIED, RETURNS_SAFE, RETURNS_DEADLY } returns;
	struct hooked hooked[HOOKED_MAX];
	struct links links[HOOKED_MAX]; /* of hooked */
	int nhooked;
	struct bpf_link *proc_links[3];
};

/* The program of a role. */
struct bpf_program *attach_program(struct attach *a, enum hook_role role);
/* -EINTR: the user has asked to stop. */
int attach_check_stopped(const struct attach *a, struct why *w);

/* ---- files.c ---- */

/* A file with hooks: an interpreter, or the extension in it. */
struct file {
	const char *open_path; /* borrowed from the target: /proc/self/fd/N ... */
	int fd;		       /* this descriptor, borrowed too */
	dev_t dev;
	ino_t inode;
};

struct file files_of(const struct target *t, const struct hooks *hooks);
/* Index of the hooked file; nhooked: it is not hooked yet. */
int files_find(const struct attach *a, const struct file *f, pid_t pid);
/* Hooks a file that is not hooked yet; new processes that run it become p. */
int files_hook(struct attach *a, const struct target *t, const struct file *f,
	       const struct ft_proc *p, const struct hooks *hooks, struct why *w);

/* ---- settings.c ---- */

uint32_t attach_redact_lengths(const struct attach_options *o);
int attach_fill_redact(struct attach *a, const struct attach_options *o);
int attach_fill_rules(struct attach *a, const struct attach_options *o);

#endif
