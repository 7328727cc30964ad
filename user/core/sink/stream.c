/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/outfile.h"
#include "base/outlet.h"
#include "base/packing.h"
#include "base/tail.h"
#include "sink/stream.h"

/* Limits of the queue in bytes. Above BEGIN_BYTES no call begins until it is down to half of that;
 * up to END_BYTES the ends of open calls have room. */
#define BEGIN_BYTES (16u << 20)
#define END_BYTES (24u << 20)

/* ---- opening -------------------------------------------------------------------------- */

/* A line that an earlier run could not finish (full disk, kill) must not swallow ours. */
static void end_last_line(struct stream *s)
{
	off_t size;
	int in = tail_open(s->fd, s->path, &size);

	if (in < 0)
		return;
	if (tail_within_line(in, size))
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

/* Standard output is never a log: a rotation is for the files beside it. */
static int open_log(struct stream *s, const struct stream_options *o, struct why *w)
{
	struct logfile_options log = {
		.path = s->path,
		.packing = packing_of(o->packings, s->path),
		.rotate = o->rotate,
		.keep = o->rotate_keep,
		.uid = o->uid,
		.gid = o->gid,
	};
	int fd = s->fd;

	s->logged =
		strcmp(s->path, "-") && (log.packing || log.rotate.bytes || log.rotate.seconds > 0);
	if (!s->logged)
		return 0;
	s->fd = -1;
	return logfile_new(&log, fd, &s->log, w);
}

int stream_open(struct stream *s, const char *path, const struct stream_options *o, struct why *w)
{
	int err;

	*s = (struct stream){.path = strdup(path), .fd = -1, .uid = o->uid, .gid = o->gid};
	if (!s->path || !buf_grow(&s->text, 2 * STREAM_FLUSH_BYTES))
		err = why(w, -ENOMEM, "out of memory");
	else
		err = open_path(s, &s->fd, w);
	if (!err)
		err = open_log(s, o, w);
	if (err)
		stream_release(s);
	else if (!o->joins && !s->logged)
		end_last_line(s);
	return err;
}

void stream_release(struct stream *s)
{
	outlet_free(s->outlet);
	logfile_free(s->log);
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

static int put_into_log(struct stream *s, struct why *w)
{
	size_t at = 0;

	while (at < s->text.len) {
		ssize_t n = logfile_put(s->log, s->text.s + at, s->text.len - at, w);

		if (n < 0)
			return n;
		at += n;
	}
	return 0;
}

static int write_at_once(struct stream *s, struct why *w)
{
	int err = 0;

	if (s->log)
		err = put_into_log(s, w);
	else if (s->text.len && s->safe)
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

static int switch_log(struct stream *s, int fd, struct why *w)
{
	int err;

	if (!s->outlet)
		return logfile_switch(s->log, fd, w);
	err = outlet_switch(s->outlet, fd, false, w);
	if (err)
		close_fd(fd);
	return err;
}

int stream_reopen(struct stream *s, struct why *w)
{
	int fd, err = stream_flush(s, w);

	if (!err)
		err = open_path(s, &fd, w);
	if (!err && s->logged)
		return switch_log(s, fd, w);
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

	if (err)
		return err;
	if (s->safe)
		outlet_trust(s->outlet);
	if (s->log)
		outlet_log(s->outlet, s->log);
	s->log = NULL;
	return 0;
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

	if (!err && s->log)
		err = logfile_flush(s->log, w);
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
