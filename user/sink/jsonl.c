/* SPDX-License-Identifier: MIT */
/*
 * JSON lines to a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/outfile.h"
#include "sink/line.h"
#include "sink/segment.h"
#include "sink/sink.h"

#define FLUSH_BYTES (512 * 1024)

struct jsonl {
	struct sink sink;
	char *path;
	int fd; /* STDOUT_FILENO when path is "-" */
	bool also_stdout;
	long uid, gid;
	struct buf out;
	struct segments segments;
};

static struct jsonl *jsonl_of(struct sink *s)
{
	return (struct jsonl *)s;
}

static int jsonl_flush(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	int err = 0;

	if (s->out.len)
		err = outfile_write(s->fd, s->path, s->out.s, s->out.len, w);
	if (!err && s->out.len && s->also_stdout)
		err = outfile_write(STDOUT_FILENO, "standard output", s->out.s, s->out.len, w);
	/* After a failure nothing may be written twice; the caller stops. */
	s->out.len = 0;
	return err;
}

static int put_line(struct sink *sink, const struct line *l, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);

	if (!line_format(&s->out, l))
		return why(w, -ENOMEM, "out of memory");
	return s->out.len < FLUSH_BYTES ? 0 : jsonl_flush(sink, w);
}

/* Its segment comes first: what a line names is there. */
static int jsonl_cut_line(struct sink *sink, const struct line *l, struct why *w)
{
	struct line with = *l;
	int err = segment_write(&jsonl_of(sink)->segments, l, &with.full_log_file, w);

	return err ? err : put_line(sink, &with, w);
}

static int jsonl_line(struct sink *sink, const struct line *l, struct why *w)
{
	return segment_wanted(l) ? jsonl_cut_line(sink, l, w) : put_line(sink, l, w);
}

/* Does the file end within a line? */
static bool ends_in_line(int in, off_t size)
{
	char last = '\n';

	return size && pread(in, &last, 1, size - 1) == 1 && last != '\n';
}

/* The same file for reading; -1 when it cannot be had. */
static int open_again(const char *path, const struct stat *of)
{
	int in = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (in < 0 || (!fstat(in, &st) && st.st_ino == of->st_ino && st.st_dev == of->st_dev))
		return in;
	close(in);
	return -1;
}

/*
 * A line that an earlier run could not finish (full disk, kill) must not swallow ours. One that
 * another process is just writing grows while we look.
 */
static void end_last_line(const char *path, int fd, struct buf *out)
{
	const struct timespec pause = {0, 20 * NS_PER_MS};
	struct stat st;
	off_t before = -1;
	bool within;
	int in;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	in = open_again(path, &st);
	if (in < 0)
		return;
	while ((within = ends_in_line(in, st.st_size)) && st.st_size != before) {
		before = st.st_size;
		nanosleep(&pause, NULL);
		if (fstat(in, &st))
			break;
	}
	if (within)
		buf_char(out, '\n');
	close(in);
}

static int open_path(struct jsonl *s, int *ret_fd, struct why *w)
{
	if (!strcmp(s->path, "-")) {
		*ret_fd = STDOUT_FILENO;
		return 0;
	}
	return outfile_open(s->path, O_APPEND, s->uid, s->gid, ret_fd, w);
}

static void close_fd(int fd)
{
	if (fd > STDERR_FILENO)
		close(fd);
}

static int jsonl_reopen(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	int fd, err = jsonl_flush(sink, w);

	if (!err)
		err = open_path(s, &fd, w);
	if (err)
		return err;
	close_fd(s->fd);
	s->fd = fd;
	end_last_line(s->path, s->fd, &s->out);
	return 0;
}

static void jsonl_free(struct sink *sink)
{
	struct jsonl *s = jsonl_of(sink);

	if (!s)
		return;
	close_fd(s->fd);
	buf_release(&s->out);
	segments_release(&s->segments);
	free(s->path);
	free(s);
}

static const struct sink_ops jsonl_ops = {
	.name = "jsonl",
	.line = jsonl_line,
	.flush = jsonl_flush,
	.reopen = jsonl_reopen,
	.free = jsonl_free,
};

int sink_jsonl_new(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		   struct why *w)
{
	struct jsonl *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return why(w, -ENOMEM, "out of memory");
	s->sink.ops = &jsonl_ops;
	s->fd = -1;
	s->uid = uid;
	s->gid = gid;
	s->also_stdout = also_stdout && strcmp(path, "-");
	s->path = strdup(path);
	if (!s->path || segments_init(&s->segments, path, uid, gid) ||
	    !buf_grow(&s->out, 2 * FLUSH_BYTES))
		err = why(w, -ENOMEM, "out of memory");
	else
		err = open_path(s, &s->fd, w);
	if (err) {
		jsonl_free(&s->sink);
		return err;
	}
	end_last_line(s->path, s->fd, &s->out);
	*ret_sink = &s->sink;
	return 0;
}

int sink_jsonl_segments(struct sink *sink, const char *folder)
{
	return segments_set_folder(&jsonl_of(sink)->segments, folder);
}
