/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/outpath.h"
#include "base/safe_text.h"

#define MOST_TRIES 8 /* while others create and remove the file */

/* ---- the owner ----------------------------------------------------------------------- */

static long sudo_id(const char *name)
{
	const char *text = geteuid() == 0 ? getenv(name) : NULL;
	char *end;
	long id;

	if (!text || !*text)
		return -1;
	id = strtol(text, &end, 10);
	return *end || id < 0 ? -1 : id;
}

long outfile_caller_uid(void)
{
	return sudo_id("SUDO_UID");
}

long outfile_caller_gid(void)
{
	return sudo_id("SUDO_GID");
}

static struct trusted trusted_with(long uid)
{
	return (struct trusted){.uid = uid, .caller = outfile_caller_uid()};
}

/* ---- existing files -------------------------------------------------------------------- */

static int cannot_open(const char *path, int err, struct why *w)
{
	if (err == -ELOOP)
		return why(w, err, "%s is a link, which root does not write through: name the file",
			   path);
	if (err == -ENXIO)
		return why(w, err,
			   "%s has no reader: start the reader of a FIFO first (a "
			   "socket, or a terminal that is not there, cannot be named)",
			   path);
	if (err == -EISDIR)
		return why(w, err, "%s is a directory: name a file in it", path);
	return why(w, err, "cannot open %s for writing: %s", path, strerror(-err));
}

/* Is it a terminal, or /dev/null or a device like it? Opening any other device may have effects (it
 * starts a watchdog), and so may writing to it (/dev/mem). */
static bool takes_text(const struct stat *st)
{
	unsigned type = major(st->st_rdev), pty = type - UNIX98_PTY_SLAVE_MAJOR;

	if (!S_ISCHR(st->st_mode))
		return false;
	if (type == MEM_MAJOR)
		return minor(st->st_rdev) == 3 || minor(st->st_rdev) == 5 ||
		       minor(st->st_rdev) == 7;
	return type == TTY_MAJOR || type == TTYAUX_MAJOR || pty < UNIX98_PTY_MAJOR_COUNT;
}

/* Refuses an existing file that root must not write to. */
static int refuse(const char *path, const struct stat *st, const struct trusted *t, struct why *w)
{
	if (takes_text(st)) /* only root creates device nodes */
		return 0;
	if (S_ISLNK(st->st_mode))
		return cannot_open(path, -ELOOP, w);
	if (S_ISDIR(st->st_mode))
		return cannot_open(path, -EISDIR, w);
	if (!S_ISREG(st->st_mode) && !S_ISFIFO(st->st_mode))
		return why(w, -EINVAL, "%s is neither a file nor a FIFO or a terminal: name one",
			   path);
	if (!trusted_owner(t, st->st_uid))
		return why(w, -EPERM,
			   "%s belongs to user %u, who could read or change what root writes: name "
			   "another file, or remove it first",
			   path, st->st_uid);
	if (S_ISREG(st->st_mode) && st->st_nlink > 1)
		return why(w, -EMLINK,
			   "%s is one of %lu names of the same file (hard links): name another "
			   "file, or remove it first",
			   path, (unsigned long)st->st_nlink);
	return 0;
}

/* The descriptor that "/dev/stdout" or "/dev/fd/3" names; -1 for any other path. */
static int own_descriptor(const char *path)
{
	static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};
	char *end;
	long fd;

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		size_t len = strlen(folders[i]);

		if (strncmp(path, folders[i], len) || path[len] < '0' || path[len] > '9')
			continue;
		fd = strtol(path + len, &end, 10);
		return *end || fd > 1 << 20 ? -1 : (int)fd;
	}
	return -1;
}

int outfile_replaceable(const char *path, struct why *w)
{
	struct trusted t = trusted_with(-1);
	struct stat st;
	int folder, err;

	if (geteuid() || own_descriptor(path) >= 0)
		return 0;
	err = outpath_folder(path, &t, &folder, w);
	if (err)
		return err;
	if (!fstatat(folder, outpath_name(path), &st, AT_SYMLINK_NOFOLLOW))
		err = refuse(path, &st, &t, w);
	close(folder);
	return err;
}

/* ---- opening --------------------------------------------------------------------------- */

#define COMMON (O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

struct place {
	const char *path; /* for messages */
	int folder;	  /* AT_FDCWD, or owned */
	const char *name; /* in it */
	struct trusted trusted;
	bool root;
};

static int give(const struct place *p, int fd, long uid, long gid, struct why *w)
{
	int err;

	if (uid == -1 || !fchown(fd, uid, gid))
		return 0;
	err = -errno;
	return why(w, err, "cannot give %s to its user: %s", p->path, strerror(-err));
}

/* O_NONBLOCK is for open() alone: processes that inherit the descriptor expect a blocking one. */
static int make_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) ? -errno : 0;
}

/*
 * The file is checked twice: by name, so that a message can say what is wrong before opening has
 * any effect, and by descriptor once it is open. Only then is it truncated.
 */
static int open_existing(const struct place *p, int flags, int *ret_fd, struct why *w)
{
	struct stat st;
	int fd, err = 0;

	if (p->root && !fstatat(p->folder, p->name, &st, AT_SYMLINK_NOFOLLOW))
		err = refuse(p->path, &st, &p->trusted, w);
	if (err)
		return err;
	fd = openat(p->folder, p->name, COMMON | (flags & O_APPEND) | (p->root ? O_NOFOLLOW : 0));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = cannot_open(p->path, -errno, w);
	else if (p->root)
		err = refuse(p->path, &st, &p->trusted, w);
	if (!err && flags & O_TRUNC && S_ISREG(st.st_mode) && ftruncate(fd, 0))
		err = cannot_open(p->path, -errno, w);
	if (!err)
		err = make_blocking(fd);
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

static int create(const struct place *p, int flags, long uid, long gid, int *ret_fd, struct why *w)
{
	int fd = openat(p->folder, p->name, COMMON | O_CREAT | O_EXCL | (flags & O_APPEND), 0600);
	int err;

	if (fd < 0)
		return -errno;
	err = give(p, fd, uid, gid, w);
	if (!err)
		err = make_blocking(fd);
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

static int open_place(const struct place *p, int flags, long uid, long gid, int *ret_fd,
		      struct why *w)
{
	int err = 0;

	for (int i = 0; i < MOST_TRIES; i++) {
		err = create(p, flags, uid, gid, ret_fd, w);
		if (err == -EEXIST && !(flags & O_EXCL))
			err = open_existing(p, flags, ret_fd, w);
		if (err != -ENOENT && err != -EEXIST)
			break;
		if (flags & O_EXCL)
			break;
	}
	return err ? cannot_open(p->path, err, w) : 0;
}

/* If we were started with 0, 1 or 2 closed, the file must not become one of them: messages would go
 * into it. */
static int above_standard(int fd, const char *path, int *ret_fd, struct why *w)
{
	int up = fd <= STDERR_FILENO ? fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : fd, err = 0;

	if (up < 0)
		err = cannot_open(path, -errno, w);
	else
		*ret_fd = up;
	if (up != fd)
		close(fd);
	return err;
}

static int open_own(int own, const char *path, int *ret_fd, struct why *w)
{
	int fd = fcntl(own, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd < 0)
		return cannot_open(path, -errno, w);
	*ret_fd = fd;
	return 0;
}

/* Without privileges the kernel's own checks of the path are enough. */
static int find_place(const char *path, long uid, struct place *ret, struct why *w)
{
	*ret = (struct place){
		.path = path,
		.folder = AT_FDCWD,
		.name = path,
		.trusted = trusted_with(uid),
		.root = !geteuid(),
	};
	if (!ret->root)
		return 0;
	if (!*outpath_name(path))
		return cannot_open(path, *path ? -EISDIR : -ENOENT, w);
	ret->name = outpath_name(path);
	return outpath_folder(path, &ret->trusted, &ret->folder, w);
}

int outfile_open(const char *path, int flags, long uid, long gid, int *ret_fd, struct why *w)
{
	int own = own_descriptor(path), fd = -1, err;
	struct place p;

	if (own >= 0 && !(flags & O_EXCL))
		return open_own(own, path, ret_fd, w);
	err = find_place(path, uid, &p, w);
	if (err)
		return err;
	err = open_place(&p, flags, uid, gid, &fd, w);
	if (p.folder >= 0)
		close(p.folder);
	return err ? err : above_standard(fd, path, ret_fd, w);
}

/* The new folder changes owner through its descriptor: a user who renames it cannot make us give
 * away another file. */
static int make_folder(const struct place *p, mode_t mode, long uid, long gid, struct why *w)
{
	int fd, err;

	if (mkdirat(p->folder, p->name, mode))
		return -errno;
	fd = openat(p->folder, p->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = give(p, fd, uid, gid, w);
	close(fd);
	return err;
}

int outfile_folder(const char *path, mode_t mode, long uid, long gid, struct why *w)
{
	struct place p;
	int err = find_place(path, uid, &p, w);

	if (err)
		return err;
	err = make_folder(&p, mode, uid, gid, w);
	if (p.folder >= 0)
		close(p.folder);
	return err && err != -EEXIST
		       ? why(w, err, "cannot make the folder %s: %s", path, strerror(-err))
		       : err;
}

static bool stat_of(const char *path, struct stat *st)
{
	return !(strcmp(path, "-") ? stat(path, st) : fstat(STDOUT_FILENO, st));
}

bool outfile_same(const char *one, const char *other)
{
	struct stat a, b;

	return stat_of(one, &a) && stat_of(other, &b) && !S_ISCHR(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int outfile_write_as_is(int fd, const char *path, const void *data, size_t size, struct why *w)
{
	const char *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n > 0) {
			at += n;
			size -= n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* Standard output may be a pipe that another process made non-blocking. */
		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
			continue;
		}
		n = n < 0 ? -errno : -EIO;
		return why(w, n, "cannot write to %s: %s", path, strerror(-n));
	}
	return 0;
}

int outfile_write(int fd, const char *path, const void *data, size_t size, struct why *w)
{
	struct buf safe = {};
	int err;

	if (!size || !isatty(fd))
		return outfile_write_as_is(fd, path, data, size, w);
	safe_lines(&safe, data, size, true);
	err = safe.failed ? why(w, -ENOMEM, "out of memory")
			  : outfile_write_as_is(fd, path, safe.s, safe.len, w);
	buf_release(&safe);
	return err;
}
