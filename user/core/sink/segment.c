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

int segments_init(struct segments *s, const char *log, const char *folder, long uid, long gid)
{
	*s = (struct segments){.uid = uid, .gid = gid};
	s->base = folder_of(log);
	s->folder = strdup(folder ?: FOLDER);
	return s->base && s->folder ? 0 : -ENOMEM;
}

void segments_release(struct segments *s)
{
	buf_release(&s->name);
	buf_release(&s->path);
	buf_release(&s->line);
	buf_release(&s->text);
	free(s->base);
	free(s->folder);
}

/* ---- the content of one ------------------------------------------------------------- */

static struct text whole(const struct text *t)
{
	return t->full ? (struct text){.s = t->full, .len = t->full_len}
		       : (struct text){.s = t->s, .len = t->len};
}

static bool format(struct segments *s, enum line_type type, const struct span *span)
{
	struct exception exception = {};
	struct span full = *span;

	full.args = whole(&span->args);
	full.result = whole(&span->result);
	if (span->exception) {
		exception = *span->exception;
		exception.message = whole(&exception.message);
		full.exception = &exception;
	}
	buf_clear(&s->line);
	buf_clear(&s->text);
	if (!line_call(&s->line, type, &full, NULL))
		return false;
	json_indent(&s->text, s->line.s, s->line.len);
	return !s->text.failed;
}

/* ---- where it is ------------------------------------------------------------------- */

static void set_name(struct segments *s, const char *file)
{
	buf_clear(&s->name);
	json_string_unchecked(&s->name, s->folder, strlen(s->folder));
	if (!s->name.failed) { /* without the quotes */
		s->name.len -= 2;
		memmove(s->name.s, s->name.s + 1, s->name.len);
	}
	buf_add(&s->name, file, strlen(file) + 1);
}

/* Sets path and name, both NUL-terminated. */
static bool name_next(struct segments *s, enum line_type type, const struct span *span)
{
	uint64_t at_ns = type == LINE_ENTER ? span->start_ns : span->end_ns;
	char file[128];

	snprintf(file, sizeof(file), "/flowtrace-%llu-%s-%u-%llu.json",
		 (unsigned long long)(at_ns / 1000), line_event(type), span->tid,
		 (unsigned long long)s->last + 1);
	set_name(s, file);
	buf_clear(&s->path);
	buf_str(&s->path, s->base);
	buf_str(&s->path, s->folder);
	buf_add(&s->path, file, strlen(file) + 1);
	return !s->name.failed && !s->path.failed;
}

/* Makes the folder whose path ends at `end`, unless it is "/", "." or "..". */
static int make_one(const struct segments *s, const char *end, struct why *w)
{
	const char *path = s->path.s;
	char *folder;
	int err;

	if (end == path || end[-1] == '.' || end[-1] == '/')
		return 0;
	folder = strndup(path, end - path);
	err = folder ? outfile_folder(folder, 0700, s->uid, s->gid, w)
		     : why(w, -ENOMEM, "out of memory");
	free(folder);
	return err == -EEXIST ? 0 : err;
}

static int make_folder(const struct segments *s, struct why *w)
{
	const char *slash = s->path.s + strlen(s->base);
	int err = 0;

	while (!err && (slash = strchr(slash, '/')))
		err = make_one(s, slash++, w);
	return err;
}

/* Opens the next name that is not taken, for example by another process that writes to the same
 * log. */
static int open_next(struct segments *s, enum line_type type, const struct span *span, int *ret_fd,
		     struct why *w)
{
	struct why reason;
	int err;

	do {
		reason = (struct why){};
		if (!name_next(s, type, span))
			return why(w, -ENOMEM, "out of memory");
		err = outfile_open(s->path.s, O_EXCL, s->uid, s->gid, ret_fd, &reason);
		s->last += !err || err == -EEXIST;
	} while (err == -EEXIST);
	return err && err != -ENOENT ? why(w, err, "%s", reason.text) : err;
}

static int open_segment(struct segments *s, enum line_type type, const struct span *span,
			int *ret_fd, struct why *w)
{
	int err = open_next(s, type, span, ret_fd, w);

	if (err == -ENOENT)
		err = make_folder(s, w) ?: open_next(s, type, span, ret_fd, w);
	return err == -ENOENT ? why(w, err, "cannot make %s", s->path.s) : err;
}

bool segment_wanted(enum line_type type, const struct span *s)
{
	const struct text *value = line_value(type, s);

	if (value && value->full)
		return true;
	return type != LINE_ENTER && s->exception && s->exception->message.full;
}

static bool is_written(const struct segments *s, enum line_type type, const struct span *span)
{
	return s->name.len && s->of == span->id && s->of_type == type;
}

int segment_write(struct segments *s, enum line_type type, const struct span *span,
		  const char **ret_name, struct why *w)
{
	int fd, err;

	if (is_written(s, type, span)) {
		*ret_name = s->name.s;
		return 0;
	}
	if (!format(s, type, span))
		return why(w, -ENOMEM, "out of memory");
	err = open_segment(s, type, span, &fd, w);
	if (err)
		return err;
	err = outfile_write(fd, s->path.s, s->text.s, s->text.len, w);
	close(fd);
	if (err)
		(void)unlink(s->path.s);
	s->of = span->id;
	s->of_type = type;
	*ret_name = s->name.s;
	return err;
}
