/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/files.h"

#define MAX_FILE_BYTES (64 << 20)

void files_release(struct files *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->path[i]);
	free(f->path);
	map_release(&f->seen);
	memset(f, 0, sizeof(*f));
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n > m && !strcmp(s + n - m, suffix);
}

static bool exists_in(const char *folder, const char *name)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path) &&
	       !access(path, F_OK);
}

static int add_file(struct files *f, const char *path, const struct stat *st)
{
	char **more;

	if (map_get(&f->seen, st->st_dev, st->st_ino))
		return 0;
	more = realloc(f->path, (f->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	f->path = more;
	f->path[f->count] = strdup(path);
	if (!f->path[f->count])
		return -ENOMEM;
	return map_put(&f->seen, st->st_dev, st->st_ino, f->path[f->count++], NULL);
}

/* ---- folders ------------------------------------------------------------------------------- */

static bool is_python(const char *name)
{
	return name[0] != '.' && (has_suffix(name, ".py") || has_suffix(name, ".pyw"));
}

static bool is_left_out(const FTSENT *e)
{
	static const char *const names[] = {"__pycache__", "node_modules", "site-packages",
					    "dist-packages"};

	if (e->fts_level == FTS_ROOTLEVEL)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(e->fts_name, names[i]))
			return true;
	return e->fts_name[0] == '.' || exists_in(e->fts_accpath, "pyvenv.cfg");
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int take_entry(struct files *f, FTS *tree, FTSENT *e,
		      void (*on_skip)(void *arg, const char *text), void *arg)
{
	char text[PATH_MAX + 128];

	switch (e->fts_info) {
	case FTS_D:
		if (is_left_out(e))
			fts_set(tree, e, FTS_SKIP);
		return 0;
	case FTS_F:
		return is_python(e->fts_name) ? add_file(f, e->fts_path, e->fts_statp) : 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		snprintf(text, sizeof(text), "cannot read %s: %s", e->fts_path,
			 strerror(e->fts_errno));
		if (on_skip)
			on_skip(arg, text);
		return 0;
	default:
		return 0;
	}
}

static int add_folder(struct files *f, const char *path,
		      void (*on_skip)(void *arg, const char *text), void *arg)
{
	char *copy = strdup(path), *const roots[] = {copy, NULL};
	FTS *tree =
		copy ? fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name) : NULL;
	FTSENT *e;
	int err = tree ? 0 : -ENOMEM;

	/* "src/" would give "src//app.py". */
	for (size_t n = copy ? strlen(copy) : 0; n > 1 && copy[n - 1] == '/'; n--)
		copy[n - 1] = 0;
	while (!err && (e = fts_read(tree)))
		err = take_entry(f, tree, e, on_skip, arg);
	if (tree)
		fts_close(tree);
	free(copy);
	return err;
}

int files_add(struct files *f, const char *path, void (*on_skip)(void *arg, const char *text),
	      void *arg, struct why *w)
{
	size_t before = f->count;
	struct stat st;
	int err;

	if (stat(path, &st)) {
		err = -errno;
		return why(w, err, "cannot read %s: %s", path, strerror(-err));
	}
	err = S_ISDIR(st.st_mode) ? add_folder(f, path, on_skip, arg) : add_file(f, path, &st);
	if (err)
		return why(w, err, "out of memory");
	if (S_ISDIR(st.st_mode) && f->count == before)
		return why(w, -ENOENT, "no Python file in %s: *.py, not hidden, not installed",
			   path);
	return 0;
}

/* ---- a file ---------------------------------------------------------------------------------- */

static int read_all(int fd, struct buf *ret)
{
	ssize_t n;

	do {
		char *room = buf_room(ret, 1 << 16);

		if (!room)
			return -ENOMEM;
		n = read(fd, room, 1 << 16);
		if (n > 0)
			ret->len += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

int file_read(const char *path, struct buf *ret, struct stat *ret_st, struct why *w)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err;

	if (fd < 0 || fstat(fd, ret_st))
		err = -errno;
	else if (!S_ISREG(ret_st->st_mode))
		err = why(w, -EINVAL, "%s is not a regular file", path);
	else if (ret_st->st_size > MAX_FILE_BYTES)
		err = why(w, -EFBIG, "%s is over 64 MiB: too large for source code", path);
	else
		err = read_all(fd, ret);
	if (fd >= 0)
		close(fd);
	return err ? why(w, err, "cannot read %s: %s", path, strerror(-err)) : 0;
}

/* ---- packages -------------------------------------------------------------------------------- */

/* The name of a module: that of its file up to the first dot, or of its folder. */
static char *module_of(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return strndup(name, strcspn(name, "."));
}

char *file_package(const char *path)
{
	char *folder = realpath(path, NULL), *name = module_of(path);

	/* dirname() cuts the text that it is given. */
	while (folder && name && exists_in(dirname(folder), "__init__.py")) {
		free(name);
		name = module_of(folder);
	}
	free(folder);
	return name;
}
