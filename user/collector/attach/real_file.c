/* SPDX-License-Identifier: MIT */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/magic.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "attach/real_file.h"
#include "ft_mapped.h"

#define MAPPINGS_MAX                                                                               \
	65536 /* of one process: a few thousand are usual, vm.max_map_count is 65530               \
	       */
#define MINOR_BITS 20
/* A walk may find nothing while the process's threads map and unmap. */
#define TRIES 8

bool real_file_differs(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* Reads one mapping; the iterator writes whole ones, and may be interrupted between them. */
static bool next_mapping(int fd, struct ft_mapped_file *ret)
{
	size_t got = 0;
	ssize_t n;

	while (got < sizeof(*ret)) {
		n = read(fd, (char *)ret + got, sizeof(*ret) - got);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		got += n;
	}
	return true;
}

static bool find(int fd, uint64_t address, struct real_file *ret)
{
	struct ft_mapped_file m;

	for (int i = 0; i < MAPPINGS_MAX && next_mapping(fd, &m); i++) {
		if (address < m.start || address >= m.end)
			continue;
		ret->dev = makedev(m.dev >> MINOR_BITS, m.dev & ((1U << MINOR_BITS) - 1));
		ret->inode = m.inode;
		return true;
	}
	return false;
}

static bool walk(struct bpf_program *program, pid_t pid, uint64_t address, struct real_file *ret)
{
	union bpf_iter_link_info info = {.task.pid = pid};
	LIBBPF_OPTS(bpf_iter_attach_opts, o, .link_info = &info, .link_info_len = sizeof(info));
	struct bpf_link *link;
	bool found = false;
	int fd;

	link = bpf_program__attach_iter(program, &o);
	fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	if (fd >= 0) {
		found = find(fd, address, ret);
		close(fd);
	}
	bpf_link__destroy(link);
	return found;
}

bool real_file_find(struct bpf_program *program, pid_t pid, uint64_t address, struct real_file *ret)
{
	if (bpf_program__fd(program) < 0)
		return false;
	for (int i = 0; i < TRIES; i++)
		if (walk(program, pid, address, ret))
			return true;
	return false;
}
