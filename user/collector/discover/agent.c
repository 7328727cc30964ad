/* SPDX-License-Identifier: MIT */
#include "discover/agent.h"
#include "discover/files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRIES 3 /* to read the status while it is not being written */

bool agent_is_file(const char *path)
{
	static const char folder[] = "/flowtrace_agent/_core.", end[] = ".so";
	const char *last = strrchr(path, '/'), *name;
	size_t before = strlen("/flowtrace_agent"), len = strlen(path);

	if (!last || (size_t)(last - path) < before)
		return false;
	name = last - before;
	return !strncmp(name, folder, strlen(folder)) && !strcmp(path + len - strlen(end), end);
}

static bool read_memory(pid_t pid, uint64_t address, void *ret_bytes, size_t size)
{
	struct iovec here = {ret_bytes, size}, there = {(void *)address, size};

	return process_vm_readv(pid, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static bool list_valid(const char *list, uint32_t bytes)
{
	return bytes <= FT_AGENT_TEXT && (!bytes || !list[bytes - 1]);
}

bool agent_status_valid(const struct ft_agent_status *s, pid_t own_pid)
{
	return s->magic == FT_AGENT_MAGIC && s->abi_version == FT_AGENT_ABI_VERSION &&
	       !(s->sequence & 1) && s->pid == (uint32_t)own_pid &&
	       list_valid(s->prefix, s->prefix_bytes) && list_valid(s->exclude, s->exclude_bytes);
}

/* Copies the status; false: it was written during each try. The copy is not checked otherwise. */
static bool read_whole(pid_t pid, uint64_t address, struct ft_agent_status *ret)
{
	struct ft_agent_status again;

	for (int i = 0; i < TRIES; i++) {
		if (!read_memory(pid, address, ret, sizeof(*ret)) ||
		    !read_memory(pid, address, &again, sizeof(again)))
			return false;
		if (ret->sequence == again.sequence && !(ret->sequence & 1))
			return true;
	}
	return false;
}

static void read_status(struct agent *a, pid_t pid)
{
	const struct binary_agent *file = &a->file->agent;
	struct ft_agent_status s;

	if (file->status_bytes >= sizeof(s) && read_whole(pid, a->bias + file->status, &s) &&
	    agent_status_valid(&s, proc_own_pid(pid)))
		a->status = s;
}

/* a->fd is open. */
static int look(struct agent *a, const struct target *t, const struct proc_map *m,
		const struct mapped_list *all, struct binaries *binaries)
{
	struct mapped_id id = {m->dev, m->inode};
	struct mapped_place place;
	int err;

	err = binaries_get(binaries, a->fd, a->path, &a->file, NULL);
	if (!err)
		err = files_agent(a->file, a->open_path, m->path, t->budget);
	if (!err)
		err = mapped_bias(&a->file->segments, id, all, &a->bias, &place);
	if (err)
		return err;
	a->dev = a->file->id.dev;
	a->inode = a->file->id.inode;
	read_status(a, t->pid);
	return 0;
}

void agent_look(struct target *t, const struct proc_map *m, const struct mapped_list *all,
		const char *root, struct binaries *binaries)
{
	char open_path[MAPPED_FD_PATH];
	struct agent a = {};

	if (mapped_open(t->pid, m, root, &a.fd, NULL))
		return;
	mapped_fd_path(a.fd, open_path);
	a.path = strdup(mapped_inside(m->path, root));
	a.open_path = strdup(open_path);
	if (a.path && a.open_path && !look(&a, t, m, all, binaries)) {
		t->agent = a;
		return;
	}
	free(a.path);
	free(a.open_path);
	close(a.fd);
}
