/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/outpath.h"

#define MOST_LINKS 40 /* the kernel's own limit */
#define FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)

struct walk {
	const char *path; /* as the user wrote it */
	const struct trusted *trusted;
	struct why *why;
	int at;		     /* owned: the folder that we are in */
	char rest[PATH_MAX]; /* what is still to be walked */
	int links;
};

bool trusted_owner(const struct trusted *t, uid_t owner)
{
	return !owner || (long)owner == t->uid || (long)owner == t->caller;
}

const char *outpath_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int no_way(const struct walk *w, int err)
{
	return why(w->why, err, "cannot open %s for writing: %s", w->path, strerror(-err));
}

static int go_to(struct walk *w, int fd)
{
	if (fd < 0)
		return no_way(w, -errno);
	close(w->at);
	w->at = fd;
	return 0;
}

static bool is_kernels(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && fs.f_type == PROC_SUPER_MAGIC;
}

/* The text of the link comes before the rest of the path. */
static int follow(struct walk *w, int link)
{
	char text[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text));

	if (n < 0)
		return no_way(w, -errno);
	strcpy(rest, w->rest);
	if (snprintf(w->rest, sizeof(w->rest), "%.*s/%s", (int)n, text, rest) >=
	    (int)sizeof(w->rest))
		return no_way(w, -ENAMETOOLONG);
	return w->rest[0] == '/' ? go_to(w, open("/", FOLDER)) : 0;
}

static int step_over_link(struct walk *w, const char *name, int link, uid_t owner)
{
	if (++w->links > MOST_LINKS)
		return no_way(w, -ELOOP);
	if (is_kernels(link)) /* its text is not always where it leads: /proc/PID/root */
		return go_to(w, openat(w->at, name, FOLDER));
	if (!trusted_owner(w->trusted, owner))
		return why(w->why, -ELOOP,
			   "%s is not written to: on the way, '%s' is a link that user %u made: "
			   "name the folder that it leads to",
			   w->path, name, owner);
	return follow(w, link);
}

static int step(struct walk *w, const char *name)
{
	int fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err;
	struct stat st;

	if (fd < 0)
		return no_way(w, -errno);
	if (fstat(fd, &st)) {
		err = no_way(w, -errno);
	} else if (S_ISLNK(st.st_mode)) {
		err = step_over_link(w, name, fd, st.st_uid);
	} else {
		return go_to(w, fd);
	}
	close(fd);
	return err;
}

/* Takes the next component out of rest; false: there is none. */
static bool next_name(struct walk *w, char *name)
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/");

	if (len > NAME_MAX)
		len = NAME_MAX + 1; /* too long for openat() too */
	memcpy(name, w->rest + skip, len);
	name[len] = 0;
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	return len;
}

int outpath_folder(const char *path, const struct trusted *t, int *ret_fd, struct why *w)
{
	struct walk walk = {.path = path, .trusted = t, .why = w};
	size_t len = outpath_name(path) - path;
	char name[NAME_MAX + 2];
	int err = 0;

	if (len >= sizeof(walk.rest))
		return no_way(&walk, -ENAMETOOLONG);
	memcpy(walk.rest, path, len);
	walk.at = open(path[0] == '/' ? "/" : ".", FOLDER);
	if (walk.at < 0)
		return no_way(&walk, -errno);
	while (!err && next_name(&walk, name))
		err = step(&walk, name);
	if (err)
		close(walk.at);
	else
		*ret_fd = walk.at;
	return err;
}
