/* SPDX-License-Identifier: MIT */
/*
 * Which container and which pod a process belongs to, as the names of its cgroup say. In: the text
 * of /proc/PID/cgroup, of version 1, 2 or both. Out: ids.
 *
 * The outermost pod counts, and the outermost container in it: what a container makes in its own
 * cgroup does not change who it is.
 */
#ifndef FT_CGROUP_H
#define FT_CGROUP_H

#include <stddef.h>
#include <sys/types.h>

#define CGROUP_TEXT_MAX 65536 /* bytes of /proc/PID/cgroup that are read */
#define CGROUP_PATH_MAX 4096

struct cgroup {
	char container[65];	    /* its id; "" = in none that is known by its name */
	char pod[37];		    /* uid, with dashes; of a static pod 32 hex digits; "" = none */
	char path[CGROUP_PATH_MAX]; /* that says it, as seen from our cgroup namespace; cut, if it
				     * is longer; "" = none */
};

void cgroup_parse(const char *text, size_t len, struct cgroup *ret);
/* Of a process; 0, or -errno where it cannot be read. */
int cgroup_of(pid_t pid, struct cgroup *ret);

#endif
