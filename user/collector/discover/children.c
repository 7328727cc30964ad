/* SPDX-License-Identifier: MIT */
/* The processes below one process, by the parent that each stat file names. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discover/discover.h"

#define MAX_PROCESSES 32768

struct family {
	pid_t pid, parent;
};

/* "pid (comm) S ppid ...": comm may hold any character, so parsing starts after the last ')'. */
static pid_t parent_of(pid_t pid)
{
	char path[64], line[512], *close;
	int parent = 0;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	line[n] = 0;
	close = strrchr(line, ')');
	return close && sscanf(close, ") %*c %d", &parent) == 1 ? parent : 0;
}

int discover_processes(pid_t *ret_pids, int max)
{
	DIR *dir = opendir("/proc");
	struct dirent *d;
	int n = 0;

	while (dir && n < max && (d = readdir(dir)))
		if (atoi(d->d_name) > 0)
			ret_pids[n++] = atoi(d->d_name);
	if (dir)
		closedir(dir);
	return n;
}

static int list_processes(struct family *all, pid_t *pids, int max)
{
	int n = discover_processes(pids, max);

	for (int i = 0; i < n; i++)
		all[i] = (struct family){pids[i], parent_of(pids[i])};
	return n;
}

static bool is_member(const pid_t *members, int n, pid_t pid)
{
	for (int i = 0; i < n; i++)
		if (members[i] == pid)
			return true;
	return false;
}

/* Adds the children of every member until there are no more; members[0] is the root. */
static int collect(const struct family *all, int nall, pid_t *members)
{
	int n = 1, before;

	do {
		before = n;
		for (int i = 0; i < nall; i++)
			if (is_member(members, n, all[i].parent) &&
			    !is_member(members, n, all[i].pid))
				members[n++] = all[i].pid;
	} while (n > before);
	return n;
}

static bool runs_python(pid_t pid, struct binaries *binaries)
{
	struct target t;

	if (discover_target(pid, binaries, &t, NULL))
		return false;
	binaries_rest(binaries);
	target_release(&t);
	return true;
}

int discover_children(pid_t pid, pid_t *ret_pids, int max)
{
	struct family *all = calloc(MAX_PROCESSES, sizeof(*all));
	pid_t *members = calloc(MAX_PROCESSES + 1, sizeof(*members));
	int n = 0;

	if (all && members) {
		int nall = list_processes(all, members, MAX_PROCESSES);

		members[0] = pid;
		n = collect(all, nall, members) - 1;
		n = n < max ? n : max;
		memcpy(ret_pids, members + 1, n * sizeof(*members));
	}
	free(members);
	free(all);
	return n;
}

int discover_python_children(pid_t pid, pid_t *ret_pids, int max)
{
	pid_t *children = calloc(MAX_PROCESSES, sizeof(*children));
	struct binaries *binaries = NULL;
	int n = 0, found = 0;

	if (children && !binaries_new(&binaries, NULL))
		n = discover_children(pid, children, MAX_PROCESSES);
	for (int i = 0; i < n && found < max; i++)
		if (runs_python(children[i], binaries))
			ret_pids[found++] = children[i];
	binaries_free(binaries);
	free(children);
	return found;
}
