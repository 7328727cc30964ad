/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "discover/denied.h"
#include "discover/proc.h"

static int cannot_read(pid_t pid, const char *name, int err, struct why *w)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if (err == EACCES || err == EPERM)
		return denied(w, path);
	if (err == ENOENT || err == ESRCH)
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH, "no process %d", pid);
	return why(w, -err, "cannot read %s: %s", path, strerror(err));
}

static FILE *proc_open(pid_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return fopen(path, "re");
}

int proc_status(pid_t pid, int *ret_nthreads, struct why *w)
{
	int threads = 0, tgid = pid;
	char line[256], state = '?';
	FILE *f = proc_open(pid, "status");

	if (!f)
		return cannot_read(pid, "status", errno, w);
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "Tgid: %d", &tgid);
		sscanf(line, "Threads: %d", &threads);
	}
	fclose(f);
	if (state == 'Z' || state == 'X')
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH, "process %d has already exited", pid);
	if (tgid != pid)
		return why_exit(w, EXIT_NO_PROCESS, -ESRCH,
				"%d is a thread of process %d: give that pid", pid, tgid);
	*ret_nthreads = threads;
	return 0;
}

/* The last number of "NSpid: 4711 7": the pid in the innermost PID namespace. */
static int last_number(const char *text)
{
	int n = 0, used = 0, number = 0;

	while (sscanf(text, "%d%n", &number, &used) == 1) {
		n = number;
		text += used;
	}
	return n;
}

pid_t proc_own_pid(pid_t pid)
{
	FILE *f = proc_open(pid, "status");
	char line[256];
	int own = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "NSpid:", 6))
			own = last_number(line + 6);
	if (f)
		fclose(f);
	return own ? own : pid;
}

void proc_cut_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path), cut = sizeof(mark) - 1;

	if (len > cut && !strcmp(path + len - cut, mark))
		path[len - cut] = 0;
}

int proc_link(pid_t pid, const char *name, char *ret_path, size_t size, struct why *w)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/%d/%s", pid, name);
	n = readlink(link, ret_path, size - 1);
	if (n < 0 && errno == ENOENT)
		return -ENOENT;
	if (n < 0)
		return cannot_read(pid, name, errno, w);
	ret_path[n] = 0;
	proc_cut_deleted(ret_path);
	return 0;
}

/* Parses "start-end perms offset dev inode   path\n"; false: it is not a mapping of a file. */
static bool parse_map(char *line, struct proc_map *m)
{
	char perms[5];
	unsigned major, minor;
	int path_at = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &m->start,
		   &m->end, perms, &m->file_offset, &major, &minor, &m->inode, &path_at) < 7 ||
	    !path_at || line[path_at] != '/')
		return false;
	m->dev = makedev(major, minor);
	m->executable = perms[2] == 'x';
	line[strcspn(line, "\n")] = 0;
	snprintf(m->path, sizeof(m->path), "%s", line + path_at);
	proc_cut_deleted(m->path);
	return true;
}

static int each_map(pid_t pid, bool any, proc_map_fn *fn, void *ctx, struct why *w)
{
	FILE *f = proc_open(pid, "maps");
	struct proc_map m;
	size_t size = 0;
	char *line = NULL;
	int ret = 0;

	if (!f)
		return cannot_read(pid, "maps", errno, w);
	errno = 0;
	while (!ret && getline(&line, &size, f) > 0)
		if (parse_map(line, &m) && (any || m.executable))
			ret = fn(ctx, &m);
	/* Opening needs no rights; the kernel refuses the first read. */
	if (!ret && ferror(f))
		ret = cannot_read(pid, "maps", errno, w);
	free(line);
	fclose(f);
	return ret;
}

int proc_each_map(pid_t pid, proc_map_fn *fn, void *ctx, struct why *w)
{
	return each_map(pid, false, fn, ctx, w);
}

int proc_each_file_map(pid_t pid, proc_map_fn *fn, void *ctx, struct why *w)
{
	return each_map(pid, true, fn, ctx, w);
}

int proc_own_map(const void *address, struct proc_map *ret_map)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char *line = NULL;
	int err = f ? -ENOENT : -errno;
	size_t size = 0;

	while (err && f && getline(&line, &size, f) > 0)
		if (parse_map(line, ret_map) && ret_map->start == (uintptr_t)address)
			err = 0;
	free(line);
	if (f)
		fclose(f);
	return err;
}

bool proc_environ(pid_t pid, const char *name, char *ret_value, size_t size)
{
	size_t len = strlen(name), room = 0;
	FILE *f = proc_open(pid, "environ");
	char *entry = NULL;
	bool found = false;

	while (f && !found && getdelim(&entry, &room, 0, f) > 0) {
		found = !strncmp(entry, name, len) && entry[len] == '=';
		if (found)
			snprintf(ret_value, size, "%s", entry + len + 1);
	}
	free(entry);
	if (f)
		fclose(f);
	return found;
}
