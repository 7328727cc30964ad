/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json.h"
#include "base/outfile.h"
#include "sink/line.h"
#include "sink/segment.h"

#define FOLDER "flowtrace-jsonsl"

static char *folder_of(const char *log)
{
	const char *slash = strrchr(log, '/');
	char *here, *base;

	if (strcmp(log, "-"))
		return strndup(log, slash ? slash + 1 - log : 0);
	here = get_current_dir_name();
	if (!here || asprintf(&base, "%s/", here) < 0)
		base = NULL;
	free(here);
	return base;
}

int segments_init(struct segments *s, const char *log, long uid, long gid)
{
	*s = (struct segments){.uid = uid, .gid = gid};
	s->base = folder_of(log);
	return s->base ? 0 : -ENOMEM;
}

void segments_release(struct segments *s)
{
	buf_release(&s->name);
	buf_release(&s->path);
	buf_release(&s->line);
	buf_release(&s->text);
	free(s->base);
}

/* ---- what is in one ---------------------------------------------------------------- */

static struct text whole(const struct text *t)
{
	return t->full ? (struct text){.s = t->full, .len = t->full_len}
		       : (struct text){.s = t->s, .len = t->len};
}

static bool format(struct segments *s, const struct line *l)
{
	struct line full = *l;

	full.value = whole(&l->value);
	full.exc_message = whole(&l->exc_message);
	buf_clear(&s->line);
	buf_clear(&s->text);
	if (!line_format(&s->line, &full))
		return false;
	json_indent(&s->text, s->line.s, s->line.len);
	return !s->text.failed;
}

/* ---- where it is ------------------------------------------------------------------- */

/* Sets path and name, both with a NUL behind them. */
static bool name_next(struct segments *s, const struct line *l)
{
	static const char *const events[] = {
		[LINE_ENTER] = "ENTER",
		[LINE_EXIT] = "EXIT",
		[LINE_EXCEPTION] = "EXCEPTION",
		[LINE_LOST] = "LOST",
		[LINE_HTTP_REQUEST] = "HTTP_REQUEST",
		[LINE_HTTP_RESPONSE] = "HTTP_RESPONSE",
	};
	char name[128];

	snprintf(name, sizeof(name), FOLDER "/flowtrace-%llu-%s-%u-%llu.json",
		 (unsigned long long)l->timestamp_us, events[l->type], l->tid,
		 (unsigned long long)s->last + 1);
	buf_clear(&s->name);
	buf_add(&s->name, name, strlen(name) + 1);
	buf_clear(&s->path);
	buf_str(&s->path, s->base);
	buf_add(&s->path, name, strlen(name) + 1);
	return !s->name.failed && !s->path.failed;
}

static int make_folder(const struct segments *s, struct why *w)
{
	char *path = strndup(s->path.s, strlen(s->base) + sizeof(FOLDER) - 1);
	int err = path ? outfile_folder(path, 0700, s->uid, s->gid, w)
		       : why(w, -ENOMEM, "out of memory");

	free(path);
	return err == -EEXIST ? 0 : err;
}

/* The next name that is not taken, as by another process that writes to the same log. */
static int open_next(struct segments *s, const struct line *l, int *ret_fd, struct why *w)
{
	struct why reason;
	int err;

	do {
		reason = (struct why){};
		if (!name_next(s, l))
			return why(w, -ENOMEM, "out of memory");
		err = outfile_open(s->path.s, O_EXCL, s->uid, s->gid, ret_fd, &reason);
		s->last += !err || err == -EEXIST;
	} while (err == -EEXIST);
	return err && err != -ENOENT ? why(w, err, "%s", reason.text) : err;
}

static int open_segment(struct segments *s, const struct line *l, int *ret_fd, struct why *w)
{
	int err = open_next(s, l, ret_fd, w);

	if (err == -ENOENT)
		err = make_folder(s, w) ?: open_next(s, l, ret_fd, w);
	return err == -ENOENT ? why(w, err, "cannot make %s", s->path.s) : err;
}

int segment_write(struct segments *s, const struct line *l, const char **ret_name, struct why *w)
{
	int fd, err;

	if (!format(s, l))
		return why(w, -ENOMEM, "out of memory");
	err = open_segment(s, l, &fd, w);
	if (err)
		return err;
	err = outfile_write(fd, s->path.s, s->text.s, s->text.len, w);
	close(fd);
	if (err)
		(void)unlink(s->path.s);
	*ret_name = s->name.s;
	return err;
}
