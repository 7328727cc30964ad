/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "discover/mapped.h"

#define PAGE 4096ULL

const char *mapped_inside(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (len > 1 && !strncmp(path, root, len) && path[len] == '/')
		return path + len;
	return path;
}

void mapped_open_path(pid_t pid, const struct proc_map *m, const char *root, char *ret_path,
		      size_t size)
{
	struct stat st;

	snprintf(ret_path, size, "/proc/%d/root%s", pid, mapped_inside(m->path, root));
	if (!stat(ret_path, &st) && st.st_ino == m->inode)
		return;
	snprintf(ret_path, size, "/proc/%d/map_files/%llx-%llx", pid, (unsigned long long)m->start,
		 (unsigned long long)m->end);
}

/* The segment that this executable mapping shows tells. The kernel maps whole pages. */
int mapped_bias(const struct elf *e, const struct proc_map *m, uint64_t *ret_bias)
{
	for (int i = 0; i < e->nload; i++) {
		const Elf64_Phdr *p = &e->load[i];
		uint64_t first = p->p_offset & ~(PAGE - 1);

		if (!(p->p_flags & PF_X) || m->file_offset < first ||
		    m->file_offset >= p->p_offset + p->p_filesz)
			continue;
		*ret_bias = m->start - (p->p_vaddr - p->p_offset + m->file_offset);
		return 0;
	}
	return -ENOENT;
}
