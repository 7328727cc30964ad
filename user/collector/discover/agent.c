/* SPDX-License-Identifier: MIT */
#include "discover/agent.h"

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

/* A copy that was not written while it was read; whatever else may be wrong with it. */
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

static void read_status(pid_t pid, struct elf *e, struct agent *a)
{
	struct ft_agent_status s;
	Elf64_Sym symbol;

	if (elf_symbol(e, FT_AGENT_SYMBOL, &symbol) || symbol.st_size < sizeof(s) ||
	    !read_whole(pid, a->bias + symbol.st_value, &s) ||
	    !agent_status_valid(&s, proc_own_pid(pid)))
		return;
	a->status = s;
}

void agent_look(pid_t pid, const struct proc_map *m, const struct mapped_list *all,
		const char *root, struct budget *b, struct agent *ret_agent)
{
	struct mapped_id id = {m->dev, m->inode};
	char open_path[MAPPED_FD_PATH];
	struct mapped_place place;
	struct agent a = {};
	struct elf e;

	if (mapped_open(pid, m, root, &a.fd, NULL))
		return;
	mapped_fd_path(a.fd, open_path);
	if (!elf_open_as(&e, open_path, m->path, b, NULL)) {
		a.dev = e.bytes.dev;
		a.inode = e.bytes.inode;
		if (!mapped_bias(&e, id, all, &a.bias, &place)) {
			a.path = strdup(mapped_inside(m->path, root));
			a.open_path = strdup(open_path);
			read_status(pid, &e, &a);
		}
		elf_release(&e);
	}
	if (a.path && a.open_path) {
		*ret_agent = a;
		return;
	}
	free(a.path);
	free(a.open_path);
	close(a.fd);
}
