/* SPDX-License-Identifier: MIT */
/*
 * A file that processes run, and the facts about it: found once, when first needed, and true of
 * every process that has the same content mapped. What differs between processes is in struct
 * target. discover/ keeps the files and fills in the first half, cpython/ the second.
 */
#ifndef FT_BINARY_H
#define FT_BINARY_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ft_layout.h"
#include "model/hooks.h"

/* One content of one file: a write to it changes its times. */
struct binary_id {
	dev_t dev;
	ino_t inode;
	off_t size;
	struct timespec mtime, ctime;
};

/* Where the loader maps it. */
struct binary_segments {
	Elf64_Phdr *at; /* owned: PT_LOAD */
	int count;
};

struct binary_interpreter {
	bool known;
	int major, minor, micro; /* micro -1 = not known */
	char build_id[65];	 /* in hex; "" = it has none */
	bool has_usdt;		 /* built with dtrace probes on frames */
	bool jit_built;		 /* it has a JIT compiler */
};

/* A file without _PyRuntime: another kind of program, or a Python that cannot be traced. */
struct binary_other {
	bool known;
	bool has_python;   /* it has functions of Python */
	bool looks_python; /* it has texts of Python */
	bool has_version;
	int major, minor;
};

struct binary_agent {
	bool known;
	uint64_t status, status_bytes; /* the status of flowtrace_agent; 0 = none */
};

struct binary_layout {
	bool known;
	struct ft_layout layout; /* addresses are those in the file */
	/* FT_TSTATE_DTV: the dynamic linker writes the module's number there, and the offset to
	 * which tstate_addr is added. */
	uint64_t tls_pair;
	/* _Py_DebugOffsets, which must be the same in the memory of a process. */
	uint8_t *debug; /* owned; NULL = it has none */
	uint64_t debug_at, debug_bytes;
};

struct binary_hooks {
	bool known;
	unsigned how; /* what was asked for */
	struct hooks hooks;
	uint64_t listener; /* of flowtrace_agent: address of its first probe `listener` */
};

struct binary {
	struct binary_id id;
	char *name;	 /* owned: as processes know it; messages, and a version, come from it */
	uint64_t used;	 /* the greater, the later */
	bool once;	 /* it may be incomplete or change unnoticed: for this one process only */
	struct elf *elf; /* owned: while a process is looked at; NULL = not open */

	bool read; /* the file was read: needs_library, has_runtime and segments are set */
	bool needs_library, has_runtime;
	struct binary_segments segments;
	struct binary_interpreter interpreter;
	struct binary_other other;
	struct binary_agent agent;

	struct binary_layout layout;
	struct binary_hooks hooks;
};

#endif
