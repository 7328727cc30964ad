/* SPDX-License-Identifier: MIT */
/*
 * A process to trace: what discover/ learned from /proc and the ELF file that holds the
 * interpreter. Handed to cpython/ (which adds layout and hooks) and to attach/.
 */
#ifndef FT_TARGET_H
#define FT_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/agent.h"

struct binary;
struct budget;

struct target {
	pid_t pid;
	char *exe;	 /* owned: what /proc/PID/exe names, as the target sees it */
	char *binary;	 /* owned: path in the target's root of the file that holds the interpreter
			  * (the executable, or libpython) */
	int fd;		 /* owned: that file, open since it was found; 0 = none, never below 3 */
	char *open_path; /* owned: its name here, /proc/self/fd/N: never a path of the target's */
	int pidfd; /* owned: the process itself, so that a later one with the same pid is not taken
		      for it; 0 = none */
	dev_t dev;
	ino_t inode;
	bool shared_library;	     /* binary is a libpython, not the executable */
	uint64_t bias;		     /* address in the process - virtual address in the file */
	uint64_t code_at;	     /* an address where it is mapped for execution */
	uint64_t code_offset;	     /* the offset in the file that is mapped there */
	uint64_t map_dev, map_inode; /* the file as /proc/PID/maps names it */
	int major, minor, micro;     /* micro -1 = not known */
	int nthreads;
	struct binary *file;   /* borrowed while the process is examined: the facts of its binary;
				  NULL = none */
	struct budget *budget; /* owned: what reading its files may still cost; NULL = each file has
				  its own budget */
	char build_id[65];     /* of the binary, in hex; "" = it has none */
	bool has_usdt;	       /* built with dtrace probes on frames */
	bool greenlets;	       /* the module greenlet is loaded (gevent, eventlet) */
	const char *http_unseen; /* static: requests that no hook sees, and why; NULL = none */
	bool jit_built;		 /* it has a JIT compiler (3.14, 3.15: off unless asked for) */
	bool jit_asked;		 /* its environment has PYTHON_JIT, not 0 */
	struct agent agent;	 /* the extension flowtrace_agent, if it is loaded */
};

/* Closes its files; the rest stays. */
void target_close(struct target *t);
void target_release(struct target *t);

#endif
