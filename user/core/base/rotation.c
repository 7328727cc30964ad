/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/outpath.h"
#include "base/rotation.h"

#define FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct place {
	const struct rotation *r;
	int folder; /* owned */
	struct why *why;
};

static int failed(const struct place *p, int err, const char *what, const char *name)
{
	return why(p->why, err, "cannot rotate %s: %s %s: %s", p->r->path, what, name,
		   strerror(-err));
}

/* Root goes the way that outfile_open() goes. */
static int open_folder(struct place *p)
{
	struct trusted t = {.uid = p->r->uid, .caller = outfile_caller_uid()};
	size_t len = outpath_name(p->r->path) - p->r->path;
	char path[PATH_MAX];

	if (!geteuid())
		return outpath_folder(p->r->path, &t, &p->folder, p->why);
	if (len >= sizeof(path))
		return failed(p, -ENAMETOOLONG, "opening", "its folder");
	memcpy(path, p->r->path, len);
	path[len] = 0;
	p->folder = open(len ? path : ".", FOLDER);
	return p->folder < 0 ? failed(p, -errno, "opening", "its folder") : 0;
}

static int name_of(const struct place *p, unsigned number, char *ret_name)
{
	const char *name = outpath_name(p->r->path);
	int len = (int)(strlen(name) - strlen(p->r->suffix));
	int n = number ? snprintf(ret_name, NAME_MAX + 1, "%.*s.%u%s", len, name, number,
				  p->r->suffix)
		       : snprintf(ret_name, NAME_MAX + 1, "%s", name);

	return n <= NAME_MAX ? 0 : failed(p, -ENAMETOOLONG, "naming", "the older file");
}

/* 1: there is such a name, 0: there is none. */
static int look(const struct place *p, const char *name, struct stat *ret_st)
{
	if (!fstatat(p->folder, name, ret_st, AT_SYMLINK_NOFOLLOW))
		return 1;
	return errno == ENOENT ? 0 : failed(p, -errno, "looking at", name);
}

/* Some file systems cannot promise that a name is not replaced: there a look must do. */
static int move(const struct place *p, const char *from, const char *to)
{
	struct stat st;
	int is;

	if (!renameat2(p->folder, from, p->folder, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return failed(p, -errno, "renaming", from);
	is = look(p, to, &st);
	if (is)
		return is < 0 ? is : failed(p, -EEXIST, "renaming", from);
	return renameat(p->folder, from, p->folder, to) ? failed(p, -errno, "renaming", from) : 0;
}

/* 1: it was there. A link goes itself, not what it leads to. */
static int drop(const struct place *p, unsigned number)
{
	char name[NAME_MAX + 1];
	struct stat st;
	int err = name_of(p, number, name);

	if (!err)
		err = look(p, name, &st);
	if (err <= 0)
		return err;
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return why(p->why, -EEXIST, "cannot rotate %s: %s is not a file: move it away",
			   p->r->path, name);
	return unlinkat(p->folder, name, 0) ? failed(p, -errno, "removing", name) : 1;
}

/* Those that an earlier run kept more of. */
static int drop_older(const struct place *p)
{
	int err = 1;

	for (unsigned i = p->r->keep + 1; err == 1 && i <= ROTATION_KEEP_MAX; i++)
		err = drop(p, i);
	return err < 0 ? err : 0;
}

/* The lowest number without a file, up to the last that is kept. */
static int find_gap(const struct place *p, unsigned *ret_number)
{
	char name[NAME_MAX + 1];
	struct stat st;
	unsigned i;
	int err = 1;

	for (i = 1; i <= p->r->keep; i++) {
		err = name_of(p, i, name);
		if (!err)
			err = look(p, name, &st);
		if (err <= 0)
			break;
	}
	*ret_number = i;
	return err < 0 ? err : 0;
}

static int move_number(const struct place *p, unsigned from)
{
	char name[NAME_MAX + 1], next[NAME_MAX + 1];
	int err = name_of(p, from, name);

	if (!err)
		err = name_of(p, from + 1, next);
	return err ? err : move(p, name, next);
}

static int move_all(const struct place *p)
{
	unsigned gap;
	int err = find_gap(p, &gap);

	if (!err && gap > p->r->keep) {
		gap = p->r->keep;
		err = drop(p, gap);
		err = err < 0 ? err : 0;
	}
	if (!err)
		err = drop_older(p);
	for (unsigned i = gap; !err && i > 0; i--)
		err = move_number(p, i - 1);
	return err;
}

static bool is_named(const struct place *p, int fd)
{
	struct stat is, of;

	return !fstat(fd, &of) && S_ISREG(of.st_mode) &&
	       !fstatat(p->folder, outpath_name(p->r->path), &is, AT_SYMLINK_NOFOLLOW) &&
	       is.st_ino == of.st_ino && is.st_dev == of.st_dev;
}

int rotation_move(const struct rotation *r, int fd, struct why *w)
{
	struct place p = {.r = r, .why = w};
	int err = open_folder(&p);

	if (err)
		return err;
	if (is_named(&p, fd))
		err = move_all(&p);
	close(p.folder);
	return err;
}

bool rotation_possible(const struct rotation *r, int fd)
{
	struct place p = {.r = r};
	bool possible;

	if (open_folder(&p))
		return false;
	possible = is_named(&p, fd);
	close(p.folder);
	return possible;
}
