/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outfile.h"
#include "output.h"

static bool is_trace(const struct stat *out, const struct arguments *a)
{
	struct stat in;

	for (size_t i = 0; i < a->noperands; i++)
		if (!stat(a->operand[i], &in) && in.st_dev == out->st_dev &&
		    in.st_ino == out->st_ino)
			return true;
	return false;
}

static int open_beside(struct output *o, const char *path, struct why *w)
{
	int err;

	if (asprintf(&o->beside, "%s.XXXXXX", path) < 0) {
		o->beside = NULL;
		return why(w, -ENOMEM, "out of memory");
	}
	o->fd = mkostemp(o->beside, 0);
	if (o->fd >= 0)
		return 0;
	err = -errno;
	free(o->beside);
	o->beside = NULL;
	return why(w, err, "cannot open %s for writing: %s", path, strerror(-err));
}

int output_open(struct output *o, const char *path, const struct arguments *a, struct why *w)
{
	struct stat st;
	int err;

	*o = (struct output){.fd = STDOUT_FILENO, .name = "standard output"};
	if (!strcmp(path, "-"))
		return 0;
	o->fd = -1;
	o->name = o->place = path;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return why(w, -EISDIR, "%s is a directory: name a file", path);
	err = outfile_replaceable(path, w);
	if (err)
		return err;
	if (stat(path, &st))
		return open_beside(o, path, w);
	if (!S_ISREG(st.st_mode))
		return outfile_open(path, 0, -1, -1, &o->fd, w);
	if (is_trace(&st, a))
		return why(w, -EINVAL, "%s is the trace itself: name another file", path);
	return open_beside(o, path, w);
}

int output_close(struct output *o, int err, struct why *w)
{
	if (o->place && o->fd >= 0 && close(o->fd) && !err) {
		err = -errno;
		why(w, err, "cannot write to %s: %s", o->name, strerror(-err));
	}
	if (o->beside && !err && rename(o->beside, o->place)) {
		err = -errno;
		why(w, err, "cannot replace %s: %s", o->place, strerror(-err));
	}
	if (o->beside && err)
		unlink(o->beside);
	free(o->beside);
	return err;
}
