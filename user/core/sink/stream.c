/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/outfile.h"
#include "base/outlet.h"
#include "sink/stream.h"

/* Limits of the queue in bytes. Above BEGIN_BYTES no call begins until it is down to half of that;
 * up to END_BYTES the ends of open calls have room. */
#define BEGIN_BYTES (16u << 20)
#define END_BYTES (24u << 20)

/* ---- opening -------------------------------------------------------------------------- */

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
 * A line that an earlier run could not finish (full disk, kill) must not swallow ours. If the file
 * grows while we look, another process is writing that line.
 */
static void end_last_line(struct stream *s)
{
	const struct timespec pause = {0, 20 * NS_PER_MS};
	struct stat st;
	off_t before = -1;
	bool within;
	int in;

	if (fstat(s->fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return;
	in = open_again(s->path, &st);
	if (in < 0)
		return;
	while ((within = ends_in_line(in, st.st_size)) && st.st_size != before) {
		before = st.st_size;
		nanosleep(&pause, NULL);
		if (fstat(in, &st))
			break;
	}
	if (within)
		buf_char(&s->text, '\n');
	close(in);
}

static int open_path(const struct stream *s, int *ret_fd, struct why *w)
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

int stream_open(struct stream *s, const char *path, long uid, long gid, bool joins, struct why *w)
{
	int err;

	*s = (struct stream){.path = strdup(path), .fd = -1, .uid = uid, .gid = gid};
	if (!s->path || !buf_grow(&s->text, 2 * STREAM_FLUSH_BYTES))
		err = why(w, -ENOMEM, "out of memory");
	else
		err = open_path(s, &s->fd, w);
	if (err)
		stream_release(s);
	else if (!joins)
		end_last_line(s);
	return err;
}

void stream_release(struct stream *s)
{
	outlet_free(s->outlet);
	close_fd(s->fd);
	buf_release(&s->text);
	free(s->path);
	*s = (struct stream){.fd = -1};
}

const char *stream_name(const struct stream *s)
{
	return strcmp(s->path, "-") ? s->path : "standard output";
}

/* ---- writing -------------------------------------------------------------------------- */

static int write_at_once(struct stream *s, struct why *w)
{
	int err = 0;

	if (s->text.len && s->safe)
		err = outfile_write_as_is(s->fd, stream_name(s), s->text.s, s->text.len, w);
	else if (s->text.len)
		err = outfile_write(s->fd, stream_name(s), s->text.s, s->text.len, w);
	/* After a failure nothing may be written twice: the caller stops. */
	s->text.len = 0;
	return err;
}

int stream_flush(struct stream *s, struct why *w)
{
	if (s->text.failed)
		return why(w, -ENOMEM, "out of memory");
	return s->outlet ? outlet_put(s->outlet, &s->text, w) : write_at_once(s, w);
}

int stream_reopen(struct stream *s, struct why *w)
{
	int fd, err = stream_flush(s, w);

	if (!err)
		err = open_path(s, &fd, w);
	if (!err && s->outlet) {
		err = outlet_switch(s->outlet, fd, s->fd > STDERR_FILENO, w);
		if (err)
			close_fd(fd);
	} else if (!err) {
		close_fd(s->fd);
	}
	if (err)
		return err;
	s->fd = fd;
	end_last_line(s);
	return 0;
}

/* ---- the queue -------------------------------------------------------------------------- */

int stream_queue(struct stream *s, struct why *w)
{
	int err = outlet_new(s->fd, stream_name(s), &s->outlet, w);

	if (!err && s->safe)
		outlet_trust(s->outlet);
	return err;
}

bool stream_room(struct stream *s, bool begins)
{
	size_t bytes;

	if (!s->outlet)
		return true;
	bytes = s->text.len + outlet_bytes(s->outlet);
	s->full = bytes > (s->full ? BEGIN_BYTES / 2 : BEGIN_BYTES);
	return begins ? !s->full : bytes < END_BYTES;
}

int stream_settle(struct stream *s, unsigned ms, struct why *w)
{
	int err = stream_flush(s, w);

	return err || !s->outlet ? err : outlet_wait(s->outlet, ms, w);
}

uint64_t stream_stalled_ns(struct stream *s)
{
	return s->outlet ? outlet_stalled_ns(s->outlet) : 0;
}

void stream_give_up(struct stream *s, struct buf *ret_rest)
{
	(void)stream_flush(s, NULL);
	if (s->outlet)
		outlet_give_up(s->outlet, ret_rest);
}

void stream_last_words(struct stream *s)
{
	if (s->outlet)
		outlet_last_words(s->outlet, s->text.s, s->text.len);
	s->text.len = 0;
}
