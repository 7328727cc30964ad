/* SPDX-License-Identifier: MIT */
/*
 * The extension flowtrace_agent._core as it is loaded in a process: its file and its status.
 */
#ifndef FT_MODEL_AGENT_H
#define FT_MODEL_AGENT_H

#include <stdint.h>
#include <sys/types.h>

#include "ft_agent.h"

struct binary;

struct agent {
	char *path;	     /* owned: in the target's root; NULL = it is not loaded */
	int fd;		     /* owned: that file; 0 = none, never below 3 */
	char *open_path;     /* owned: its name here, /proc/self/fd/N */
	struct binary *file; /* borrowed: as target.file */
	dev_t dev;
	ino_t inode;
	uint64_t bias;		       /* address in the process - virtual address in the file */
	struct ft_agent_status status; /* checked; zeroes = not known */
};

#endif
