/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/outfile.h"
#include "source/files.h"
#include "source/rewrite.h"

#define SUFFIX ".bak"

/* A file beside the one that is to be replaced. */
struct scratch {
	char path[PATH_MAX];
	int fd;
};

static int scratch_open(struct scratch *s, const char *target, struct why *w)
{
	const char *slash = strrchr(target, '/');
	int n = snprintf(s->path, sizeof(s->path), "%.*s.flowctl-XXXXXX",
			 slash ? (int)(slash + 1 - target) : 0, target);
	int err;

	s->fd = n < (int)sizeof(s->path) ? mkostemp(s->path, O_CLOEXEC) : -1;
	if (s->fd >= 0)
		return 0;
	err = n < (int)sizeof(s->path) ? -errno : -ENAMETOOLONG;
	return why(w, err, "cannot write next to %s: %s", target, strerror(-err));
}

static int give_owner(const struct scratch *s, const char *target, const struct stat *owner,
		      struct why *w)
{
	struct stat st;
	int err;

	if (fstat(s->fd, &st))
		return why(w, -errno, "cannot write %s: %s", target, strerror(errno));
	if ((st.st_uid != owner->st_uid || st.st_gid != owner->st_gid) &&
	    fchown(s->fd, owner->st_uid, owner->st_gid)) {
		err = -errno;
		return why(w, err, "cannot keep the owner of %s: %s", target, strerror(-err));
	}
	if (fchmod(s->fd, owner->st_mode & 07777))
		return why(w, -errno, "cannot keep the mode of %s: %s", target, strerror(errno));
	return 0;
}

static int fill(const struct scratch *s, const char *target, const struct stat *owner,
		const char *bytes, size_t len, struct why *w)
{
	int err = outfile_write(s->fd, target, bytes, len, w);

	if (!err)
		err = give_owner(s, target, owner, w);
	if (!err && fsync(s->fd)) {
		err = -errno;
		why(w, err, "cannot write %s: %s", target, strerror(-err));
	}
	return err;
}

static bool changed_since(const char *path, const struct stat *before)
{
	struct stat now;

	return stat(path, &now) || now.st_ino != before->st_ino || now.st_dev != before->st_dev ||
	       now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != before->st_mtim.tv_nsec;
}

static int move_into_place(const struct scratch *s, const char *target, unsigned flags,
			   struct why *w)
{
	int err = renameat2(AT_FDCWD, s->path, AT_FDCWD, target, flags) ? -errno : 0;

	/* Not every file system knows flags. */
	if (err == -EINVAL && flags)
		err = !access(target, F_OK) ? -EEXIST : rename(s->path, target) ? -errno : 0;
	return err ? why(w, err, "cannot replace %s: %s", target, strerror(-err)) : 0;
}

static int put_in_place(const char *target, const struct stat *before, const char *bytes,
			size_t len, unsigned flags, struct why *w)
{
	struct scratch s;
	int err = scratch_open(&s, target, w);

	if (err)
		return err;
	err = fill(&s, target, before, bytes, len, w);
	if (!err && !flags && changed_since(target, before))
		err = why(w, -EBUSY, "%s was changed meanwhile", target);
	if (!err)
		err = move_into_place(&s, target, flags, w);
	if (err)
		unlink(s.path);
	close(s.fd);
	return err;
}

/* Its folder alone decides about a rename, but a read-only file is meant to stay as it is. */
int rewrite_allowed(const char *path, struct why *w)
{
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return why(w, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

int rewrite(const char *path, const struct stat *before, const char *s, size_t len, struct why *w)
{
	char *target = realpath(path, NULL);
	int err;

	if (!target)
		return why(w, -errno, "cannot find %s: %s", path, strerror(errno));
	err = put_in_place(target, before, s, len, 0, w);
	free(target);
	return err;
}

/* ---- backups ------------------------------------------------------------------------------- */

/* Beside the file itself, not beside a link to it. */
static char *backup_path(const char *path)
{
	char *target = realpath(path, NULL), *name = NULL;

	if (target && asprintf(&name, "%s" SUFFIX, target) < 0)
		name = NULL;
	free(target);
	return name;
}

static bool holds(const char *path, const char *s, size_t len)
{
	struct buf b = {};
	struct stat st;
	bool same = !lstat(path, &st) && S_ISREG(st.st_mode) && !file_read(path, &b, &st, NULL) &&
		    b.len == len && !memcmp(b.s, s, len);

	buf_release(&b);
	return same;
}

int backup(const char *path, const struct stat *before, const char *s, size_t len,
	   enum backup_state *ret_state, struct why *w)
{
	char *name = backup_path(path);
	struct stat st;
	int err = 0;

	if (!name)
		return why(w, -ENOMEM, "out of memory");
	if (!lstat(name, &st))
		*ret_state = holds(name, s, len) ? BACKUP_SAME : BACKUP_DIFFERS;
	else
		err = put_in_place(name, before, s, len, RENAME_NOREPLACE, w);
	if (!err && *ret_state == BACKUP_NONE)
		*ret_state = BACKUP_MADE;
	free(name);
	return err;
}

void backup_remove(const char *path, const char *s, size_t len)
{
	char *name = backup_path(path);

	if (name && holds(name, s, len))
		unlink(name);
	free(name);
}
