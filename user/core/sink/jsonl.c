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
#include "base/outlet.h"
#include "sink/line.h"
#include "sink/segment.h"
#include "sink/sink.h"

#define FLUSH_BYTES (512 * 1024)
/* Of what waits in the queue: so much, and no call begins until half of it is gone; so much more
 * for the ends of those that have begun. */
#define BEGIN_BYTES (16u << 20)
#define END_BYTES (24u << 20)

#define STANDARD "standard output"

struct jsonl {
	struct sink sink;
	char *path;
	int fd; /* STDOUT_FILENO when path is "-" */
	bool also_stdout;
	long uid, gid;
	struct buf out, copy;		/* copy: for standard output */
	struct outlet *file, *standard; /* owned; NULL: written to at once */
	bool full;
	struct segments segments;
};

static struct jsonl *jsonl_of(struct sink *s)
{
	return (struct jsonl *)s;
}

static int write_at_once(struct jsonl *s, struct why *w)
{
	int err = 0;

	if (s->out.len)
		err = outfile_write(s->fd, s->path, s->out.s, s->out.len, w);
	if (!err && s->out.len && s->also_stdout)
		err = outfile_write(STDOUT_FILENO, STANDARD, s->out.s, s->out.len, w);
	/* After a failure nothing may be written twice; the caller stops. */
	s->out.len = 0;
	return err;
}

static int put_in_queue(struct jsonl *s, struct why *w)
{
	int err = 0;

	if (s->standard) {
		buf_add(&s->copy, s->out.s, s->out.len);
		err = s->copy.failed ? why(w, -ENOMEM, "out of memory")
				     : outlet_put(s->standard, &s->copy, w);
	}
	if (!err)
		err = outlet_put(s->file, &s->out, w);
	return err;
}

static int jsonl_flush(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);

	return s->file ? put_in_queue(s, w) : write_at_once(s, w);
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
	if (!err && s->file) {
		err = outlet_switch(s->file, fd, s->fd > STDERR_FILENO, w);
		if (err)
			close_fd(fd);
	} else if (!err) {
		close_fd(s->fd);
	}
	if (err)
		return err;
	s->fd = fd;
	end_last_line(s->path, s->fd, &s->out);
	return 0;
}

/* ---- the queue -------------------------------------------------------------------------- */

static int jsonl_queue(struct sink *sink, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	bool standard = !strcmp(s->path, "-");
	int err = outlet_new(s->fd, standard ? STANDARD : s->path, &s->file, w);

	if (!err && s->also_stdout)
		err = outlet_new(STDOUT_FILENO, STANDARD, &s->standard, w);
	return err;
}

static size_t waiting(const struct jsonl *s)
{
	size_t file = outlet_bytes(s->file), standard = s->standard ? outlet_bytes(s->standard) : 0;

	return s->out.len + (file > standard ? file : standard);
}

static bool jsonl_room(struct sink *sink, bool begins)
{
	struct jsonl *s = jsonl_of(sink);
	size_t bytes;

	if (!s->file)
		return true;
	bytes = waiting(s);
	s->full = bytes > (s->full ? BEGIN_BYTES / 2 : BEGIN_BYTES);
	return begins ? !s->full : bytes < END_BYTES;
}

static int jsonl_settle(struct sink *sink, unsigned ms, struct why *w)
{
	struct jsonl *s = jsonl_of(sink);
	int err = jsonl_flush(sink, w), also = 0;

	if (err || !s->file)
		return err;
	err = outlet_wait(s->file, ms, w);
	if (s->standard && (!err || err == -EAGAIN))
		also = outlet_wait(s->standard, err ? 0 : ms, w);
	return also ? also : err;
}

static uint64_t jsonl_stalled_ns(struct sink *sink)
{
	struct jsonl *s = jsonl_of(sink);
	uint64_t file = s->file ? outlet_stalled_ns(s->file) : 0;
	uint64_t standard = s->standard ? outlet_stalled_ns(s->standard) : 0;

	return file > standard ? file : standard;
}

#define LOST_LINE "\"event\": \"LOST\", \"count\": "

/* Adds up what the lines in text stand for; told: a LOST line's own count. */
static void count_lines(const struct buf *text, struct sink_dropped *ret, uint64_t *ret_told)
{
	const char *at = text->s, *end = text->s + text->len;

	while (at < end) {
		const char *next = memchr(at, '\n', end - at);
		size_t len = next ? (size_t)(next - at) : (size_t)(end - at);
		const char *lost =
			memmem(at, len < 96 ? len : 96, LOST_LINE, sizeof(LOST_LINE) - 1);

		ret->lines++;
		if (lost)
			*ret_told += strtoull(lost + sizeof(LOST_LINE) - 1, NULL, 10);
		else
			ret->events++;
		at += len + 1;
	}
}

static void give_up_outlet(struct outlet *o, const struct line *lost, struct sink_dropped *ret)
{
	struct buf rest = {}, words = {};
	struct line l = *lost;
	uint64_t told = 0;

	outlet_give_up(o, &rest);
	count_lines(&rest, ret, &told);
	l.count = ret->events + told;
	if (l.count && line_format(&words, &l))
		outlet_last_words(o, words.s, words.len);
	buf_release(&rest);
	buf_release(&words);
}

static void jsonl_give_up(struct sink *sink, const struct line *lost, struct sink_dropped *ret)
{
	struct jsonl *s = jsonl_of(sink);
	struct sink_dropped standard = {};

	*ret = (struct sink_dropped){};
	(void)jsonl_flush(sink, NULL);
	if (s->file)
		give_up_outlet(s->file, lost, ret);
	if (s->standard)
		give_up_outlet(s->standard, lost, &standard);
	if (standard.lines > ret->lines)
		*ret = standard;
}

static void jsonl_free(struct sink *sink)
{
	struct jsonl *s = jsonl_of(sink);

	if (!s)
		return;
	outlet_free(s->file);
	outlet_free(s->standard);
	close_fd(s->fd);
	buf_release(&s->out);
	buf_release(&s->copy);
	segments_release(&s->segments);
	free(s->path);
	free(s);
}

static const struct sink_ops jsonl_ops = {
	.name = "jsonl",
	.line = jsonl_line,
	.flush = jsonl_flush,
	.reopen = jsonl_reopen,
	.queue = jsonl_queue,
	.room = jsonl_room,
	.settle = jsonl_settle,
	.stalled_ns = jsonl_stalled_ns,
	.give_up = jsonl_give_up,
	.free = jsonl_free,
};

static int jsonl_new(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
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
	*ret_sink = &s->sink;
	return 0;
}

int sink_jsonl_new(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		   struct why *w)
{
	int err = jsonl_new(path, also_stdout, uid, gid, ret_sink, w);
	struct jsonl *s;

	if (err)
		return err;
	s = jsonl_of(*ret_sink);
	end_last_line(s->path, s->fd, &s->out);
	return 0;
}

int sink_jsonl_join(const char *path, bool also_stdout, long uid, long gid, struct sink **ret_sink,
		    struct why *w)
{
	return jsonl_new(path, also_stdout, uid, gid, ret_sink, w);
}

int sink_jsonl_segments(struct sink *sink, const char *folder)
{
	return segments_set_folder(&jsonl_of(sink)->segments, folder);
}
