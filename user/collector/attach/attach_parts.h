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
	bool used; /* else this slot is free */
	dev_t dev;
	ino_t inode;
	pid_t pid;    /* -1 = all that map it */
	bool foreign; /* of another mount namespace, which our hooks keep from being taken down */
	uint64_t idle_ns; /* when it was first found without a process; 0 = it has one */
};

struct attach {
	struct flowtrace *skel;
	bool follow, ask;
	uint32_t redact_lengths; /* of every policy */
	bool (*stopped)(void *arg);
	void *arg;
	int handler; /* of libbpf: called before each program; < 0: none */
	enum { RETURNS_UNTRIED, RETURNS_SAFE, RETURNS_DEADLY } returns;
	struct hooked hooked[HOOKED_MAX];
	struct links links[HOOKED_MAX]; /* of hooked */
	int nhooked;			/* the slots from here on were never used */
	uint64_t swept_ns;
	uint32_t programs_over; /* ft_programs_over when remains were deleted */
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
	/* Of containers of one image they are the same where the kernel can tell (real_file.h). */
	dev_t dev;
	ino_t inode;
};

struct file files_of(const struct attach *a, const struct target *t, const struct hooks *hooks);
/* Slot of the hooked file; -1: it is not hooked yet. */
int files_find(const struct attach *a, const struct file *f, pid_t pid);
/* A free slot, if need be that of a file which no process runs; -E2BIG. */
int files_slot(struct attach *a, struct why *w);
/* Hooks a file into the free slot p->hooks; new processes that run it become p. */
int files_hook(struct attach *a, const struct target *t, const struct file *f,
	       const struct ft_proc *p, const struct hooks *hooks, struct why *w);

/* ---- processes.c ---- */

/* What a process that is not known becomes at a hit. */
int attach_fill_unknown(struct attach *a);

/* ---- codes.c ---- */

int codes_size(struct attach *a, const struct attach_options *o, struct why *w);

/* ---- remains.c ---- */

/* Deletes what processes that have ended leave in maps. */
void remains_sweep(struct attach *a);

/* ---- settings.c ---- */

uint32_t attach_redact_lengths(const struct attach_options *o);
int attach_fill_redact(struct attach *a, const struct attach_options *o);

#endif
