/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "discover/denied.h"
#include "discover/mapped.h"

#define PAGE 4096ULL
#define PLACES_MAX 65536 /* the kernel's own default bound for mappings of a process */
#define COPIES_MAX 64	 /* mappings of one file that are compared: the largest ones */

const char *mapped_inside(const char *path, const char *root)
{
	size_t len = strlen(root);

	if (len > 1 && !strncmp(path, root, len) && path[len] == '/')
		return path + len;
	return path;
}

void mapped_fd_path(int fd, char ret_path[MAPPED_FD_PATH])
{
	snprintf(ret_path, MAPPED_FD_PATH, "/proc/self/fd/%d", fd);
}

/* ---- opening ---------------------------------------------------------------------- */

/* Keeps 0 to 2 free, which are the standard streams. */
static int above_streams(int fd)
{
	int other;

	if (fd < 0 || fd > 2)
		return fd;
	other = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return other;
}

/*
 * Turns an O_PATH handle into a readable descriptor. The handle opens no device and no FIFO; only
 * if it is a regular file is it opened. Closes the handle.
 */
static int open_regular(int handle)
{
	char path[MAPPED_FD_PATH];
	struct stat st;
	int fd = -1, err;

	if (handle < 0)
		return -errno;
	mapped_fd_path(handle, path);
	if (fstat(handle, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -ENOEXEC;
	else {
		/* O_NONBLOCK: open() must not wait for the holder of a lease. */
		fd = above_streams(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
		err = fd < 0 ? -errno : 0;
	}
	close(handle);
	return err ? err : fd;
}

static int open_mapping(pid_t pid, const struct proc_map *m)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%llx-%llx", pid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	return open_regular(open(path, O_PATH | O_CLOEXEC));
}

/* Links are resolved as the process itself would resolve them, and never lead out of its root. */
static int open_beneath(pid_t pid, const char *inside)
{
	struct open_how how = {.flags = O_PATH | O_CLOEXEC,
			       .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
	char path[64];
	int root, fd;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -errno;
	fd = open_regular(syscall(SYS_openat2, root, inside, &how, sizeof(how)));
	close(root);
	return fd;
}

/* Mapping does not read the page, so truncation of the file does no harm. */
static int id_of(int fd, struct mapped_id *ret_id)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	struct proc_map *m = malloc(sizeof(*m));
	int err;

	if (page == MAP_FAILED) {
		err = -errno;
		free(m);
		return err;
	}
	err = m ? proc_own_map(page, m) : -ENOMEM;
	if (!err)
		*ret_id = (struct mapped_id){m->dev, m->inode};
	munmap(page, PAGE);
	free(m);
	return err;
}

static bool same_file(struct mapped_id a, struct mapped_id b)
{
	return a.dev == b.dev && a.inode == b.inode;
}

/* Returns the descriptor if it is of that file; else closes it and returns -ESTALE. */
static int prove(int fd, struct mapped_id wanted)
{
	struct mapped_id id;
	int err;

	if (fd < 0)
		return fd;
	err = id_of(fd, &id);
	if (!err && same_file(id, wanted))
		return fd;
	close(fd);
	return err ? err : -ESTALE;
}

static int cannot_open(const struct proc_map *m, int by_mapping, int by_name, struct why *w)
{
	if (by_name == -EACCES || by_name == -EPERM)
		return denied(w, m->path);
	if (by_mapping == -EACCES || by_mapping == -EPERM)
		return why_exit(w, EXIT_NOT_PERMITTED, -EACCES,
				"%s is no longer the file that is mapped (replaced or hidden by a "
				"mount): to read the mapped one run as root (CAP_SYS_ADMIN or "
				"CAP_CHECKPOINT_RESTORE)",
				m->path);
	if (by_name == -ENOEXEC || by_mapping == -ENOEXEC)
		return why_exit(w, EXIT_PYTHON, -ENOEXEC, "%s is not a regular file", m->path);
	return why_exit(w, EXIT_PYTHON, -ESTALE,
			"the file that is mapped as %s cannot be opened (%s)", m->path,
			by_mapping == -ESTALE ? "it changed while it was looked at"
					      : strerror(-by_mapping));
}

int mapped_open(pid_t pid, const struct proc_map *m, const char *root, int *ret_fd, struct why *w)
{
	struct mapped_id id = {m->dev, m->inode};
	int by_mapping = prove(open_mapping(pid, m), id), by_name;

	if (by_mapping >= 0) {
		*ret_fd = by_mapping;
		return 0;
	}
	by_name = prove(open_beneath(pid, mapped_inside(m->path, root)), id);
	if (by_name < 0)
		return cannot_open(m, by_mapping, by_name, w);
	*ret_fd = by_name;
	return 0;
}

int mapped_open_exe(pid_t pid, int *ret_fd, struct mapped_id *ret_id, struct why *w)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	fd = open_regular(open(path, O_PATH | O_CLOEXEC));
	if (fd == -EACCES || fd == -EPERM)
		return denied(w, path);
	if (fd < 0)
		return why(w, fd, "cannot read %s: %s", path, strerror(-fd));
	err = id_of(fd, ret_id);
	if (err) {
		close(fd);
		return why(w, err, "cannot map %s: %s", path, strerror(-err));
	}
	*ret_fd = fd;
	return 0;
}

/* ---- its place in the process ------------------------------------------------------- */

int mapped_add(struct mapped_list *l, const struct proc_map *m)
{
	if (l->count == PLACES_MAX)
		return 0;
	if (l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct mapped_place *at = reallocarray(l->at, room, sizeof(*at));

		if (!at)
			return -ENOMEM;
		l->at = at;
		l->room = room;
	}
	l->at[l->count++] = (struct mapped_place){
		.start = m->start,
		.end = m->end,
		.file_offset = m->file_offset,
		.id = {m->dev, m->inode},
		.executable = m->executable,
	};
	return 0;
}

void mapped_release(struct mapped_list *l)
{
	free(l->at);
	*l = (struct mapped_list){0};
}

/* Bytes of the segment that this mapping contains. The kernel maps whole pages. */
static uint64_t shown(const Elf64_Phdr *p, const struct mapped_place *m)
{
	uint64_t from = p->p_offset & ~(PAGE - 1), to = p->p_offset + p->p_filesz;
	uint64_t end = m->file_offset + (m->end - m->start);

	if (!(p->p_flags & PF_X))
		return 0;
	from = from > m->file_offset ? from : m->file_offset;
	to = to < end ? to : end;
	return to > from ? to - from : 0;
}

static uint64_t bias_of(const Elf64_Phdr *p, const struct mapped_place *m)
{
	return m->start - (p->p_vaddr - p->p_offset + m->file_offset);
}

/* Bytes of code that are where they belong if the file was loaded with this bias. */
static uint64_t shown_with(const struct binary_segments *s, const struct mapped_list *l,
			   uint64_t bias)
{
	uint64_t sum = 0;

	for (int i = 0; i < s->count; i++)
		for (size_t k = 0; k < l->count; k++)
			if (bias_of(&s->at[i], &l->at[k]) == bias)
				sum += shown(&s->at[i], &l->at[k]);
	return sum;
}

static uint64_t size_of(const struct mapped_place *m)
{
	return m->end - m->start;
}

/* The entry for the next mapping: a free one, or that of the smallest. */
static struct mapped_place *room_for(struct mapped_list *l)
{
	struct mapped_place *smallest = l->at;

	if (l->count < COPIES_MAX)
		return &l->at[l->count++];
	for (size_t k = 1; k < l->count; k++)
		if (size_of(&l->at[k]) < size_of(smallest))
			smallest = &l->at[k];
	return smallest;
}

static int only_of(const struct mapped_list *all, struct mapped_id id, struct mapped_list *ret)
{
	ret->at = calloc(COPIES_MAX, sizeof(*ret->at));
	if (!ret->at)
		return -ENOMEM;
	for (size_t k = 0; k < all->count; k++) {
		struct mapped_place *at;

		if (!all->at[k].executable || !same_file(all->at[k].id, id))
			continue;
		at = room_for(ret);
		if (size_of(&all->at[k]) > size_of(at))
			*at = all->at[k];
	}
	return 0;
}

static uint64_t choose_bias(const struct binary_segments *s, const struct mapped_list *l,
			    uint64_t *ret_bias)
{
	uint64_t most = 0;

	for (int i = 0; i < s->count; i++)
		for (size_t k = 0; k < l->count; k++) {
			uint64_t bias = bias_of(&s->at[i], &l->at[k]), n;

			if (!shown(&s->at[i], &l->at[k]) || (most && bias == *ret_bias))
				continue;
			n = shown_with(s, l, bias);
			if (n > most) {
				most = n;
				*ret_bias = bias;
			}
		}
	return most;
}

static void largest_part(const struct binary_segments *s, const struct mapped_list *l,
			 uint64_t bias, struct mapped_place *ret_place)
{
	uint64_t most = 0;

	for (int i = 0; i < s->count; i++)
		for (size_t k = 0; k < l->count; k++) {
			uint64_t n = shown(&s->at[i], &l->at[k]);

			if (n > most && bias_of(&s->at[i], &l->at[k]) == bias) {
				most = n;
				*ret_place = l->at[k];
			}
		}
}

int mapped_bias(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *all,
		uint64_t *ret_bias, struct mapped_place *ret_place)
{
	struct mapped_list l = {0};
	uint64_t bias = 0;
	int err = only_of(all, id, &l);

	if (!err && !choose_bias(s, &l, &bias))
		err = -ENOENT;
	if (!err) {
		largest_part(s, &l, bias, ret_place);
		*ret_bias = bias;
	}
	mapped_release(&l);
	return err;
}

static bool is_at(const struct mapped_list *l, struct mapped_id id, const Elf64_Phdr *p,
		  uint64_t bias)
{
	for (size_t k = 0; k < l->count; k++) {
		const struct mapped_place *m = &l->at[k];

		if (same_file(m->id, id) && bias_of(p, m) == bias &&
		    bias + p->p_vaddr >= m->start && bias + p->p_vaddr < m->end)
			return true;
	}
	return false;
}

bool mapped_whole(const struct binary_segments *s, struct mapped_id id, const struct mapped_list *l,
		  uint64_t bias)
{
	for (int i = 0; i < s->count; i++)
		if ((s->at[i].p_flags & PF_W) && s->at[i].p_filesz &&
		    !is_at(l, id, &s->at[i], bias))
			return false;
	return true;
}
