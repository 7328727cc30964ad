/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "discover/binary.h"

/*
 * File times are as coarse as the kernel's clock tick: a file that changed this recently could
 * change again with the same times.
 */
#define SETTLED_S 2

struct binaries {
	struct binary *all[BINARIES_KEPT];
	int count;
	uint64_t used; /* that of the binary asked for last */
};

/* ---- one file ------------------------------------------------------------------------ */

int binary_open(struct binary *b, const char *path, const char *name, struct budget *budget,
		struct elf **ret_elf, struct why *w)
{
	struct elf *e = b->elf;
	int err;

	if (!e) {
		e = malloc(sizeof(*e));
		err = e ? elf_open_as(e, path, name, budget, w) : why(w, -ENOMEM, "out of memory");
		if (err) {
			free(e);
			return err;
		}
		b->elf = e;
	}
	*ret_elf = e;
	return 0;
}

/* Facts of a file that was not read completely are not kept for other processes. */
void binary_close(struct binary *b)
{
	if (!b->elf)
		return;
	b->once |= b->elf->bytes.failed || b->elf->budget->spent;
	elf_release(b->elf);
	free(b->elf);
	b->elf = NULL;
}

void binary_release(struct binary *b)
{
	binary_close(b);
	free(b->name);
	free(b->segments.at);
	free(b->layout.debug);
	*b = (struct binary){0};
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_content(const struct binary_id *a, const struct binary_id *b)
{
	return a->dev == b->dev && a->inode == b->inode && a->size == b->size &&
	       same_time(a->mtime, b->mtime) && same_time(a->ctime, b->ctime);
}

/* Would a write from now on change the file's times? */
static bool is_settled(const struct binary_id *id)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return id->ctime.tv_sec + SETTLED_S < now.tv_sec;
}

static int id_of(int fd, struct binary_id *ret)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*ret = (struct binary_id){st.st_dev, st.st_ino, st.st_size, st.st_mtim, st.st_ctim};
	return 0;
}

/* ---- all of them --------------------------------------------------------------------- */

int binaries_new(struct binaries **ret_binaries, struct why *w)
{
	*ret_binaries = calloc(1, sizeof(**ret_binaries));
	return *ret_binaries ? 0 : why(w, -ENOMEM, "out of memory");
}

static void drop(struct binaries *l, int i)
{
	binary_release(l->all[i]);
	free(l->all[i]);
	l->all[i] = l->all[--l->count];
}

void binaries_free(struct binaries *l)
{
	while (l && l->count)
		drop(l, l->count - 1);
	free(l);
}

static struct binary *find(struct binaries *l, const struct binary_id *id, const char *name)
{
	for (int i = 0; i < l->count; i++)
		if (same_content(&l->all[i]->id, id) && !strcmp(l->all[i]->name, name))
			return l->all[i];
	return NULL;
}

/* A process needs at most three, so the oldest is never one that it still needs. */
static void make_room(struct binaries *l)
{
	int oldest = 0;

	if (l->count < BINARIES_KEPT)
		return;
	for (int i = 1; i < l->count; i++)
		if (l->all[i]->used < l->all[oldest]->used)
			oldest = i;
	drop(l, oldest);
}

static struct binary *add(struct binaries *l, const struct binary_id *id, const char *name)
{
	struct binary *b = calloc(1, sizeof(*b));

	if (b)
		b->name = strdup(name);
	if (!b || !b->name) {
		free(b);
		return NULL;
	}
	b->id = *id;
	b->once = !is_settled(id);
	make_room(l);
	l->all[l->count++] = b;
	return b;
}

int binaries_get(struct binaries *l, int fd, const char *name, struct binary **ret_binary,
		 struct why *w)
{
	struct binary_id id;
	struct binary *b;
	int err = id_of(fd, &id);

	if (err)
		return why(w, err, "cannot read %s: %s", name, strerror(-err));
	b = find(l, &id, name);
	if (!b)
		b = add(l, &id, name);
	if (!b)
		return why(w, -ENOMEM, "out of memory");
	b->used = ++l->used;
	*ret_binary = b;
	return 0;
}

void binaries_rest(struct binaries *l)
{
	for (int i = l->count - 1; i >= 0; i--) {
		binary_close(l->all[i]);
		if (l->all[i]->once)
			drop(l, i);
	}
}

int binaries_count(const struct binaries *l)
{
	return l->count;
}
