/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/logfile.h"
#include "base/outfile.h"
#include "base/rotation.h"
#include "base/tail.h"

#define PIECE_BYTES (128 * 1024) /* of a plain file: progress is noted after each */
#define FRAME_BYTES (1024 * 1024)
#define FRAME_NS (500 * NS_PER_MS)

struct logfile {
	char *path; /* owned */
	const struct packing *packing;
	void *state; /* owned: of the packing */
	struct rotate rotate;
	struct rotation names;
	long uid, gid;

	int fd;		   /* owned; -1: there is none after a failure */
	uint64_t size;	   /* of the file */
	uint64_t begun_ns; /* CLOCK_REALTIME: when its first byte came; 0 = it is empty */

	struct buf kept; /* lines of the next frame */
	uint64_t kept_since_ns;
	struct buf frame;
};

/* ---- a file that is taken up ------------------------------------------------------------- */

struct look {
	const struct logfile *f;
	off_t whole;
	int err;
};

static bool within_frame(int in, off_t size, void *arg)
{
	struct look *l = arg;

	l->err = l->f->packing->whole(in, size, &l->whole);
	return !l->err && l->whole != size;
}

/* A frame that is not whole would make what follows unreadable. */
static int cut_frame(struct logfile *f, int in, off_t size, struct why *w)
{
	struct look l = {.f = f};
	bool within = tail_within(in, &size, within_frame, &l);

	if (l.err)
		return why(w, l.err,
			   "%s is not a file that flowtrace-bpf packed, so that it cannot be "
			   "continued: name another file",
			   f->path);
	if (within && ftruncate(f->fd, l.whole))
		return why(w, -errno, "cannot write to %s: %s", f->path, strerror(errno));
	return 0;
}

static int end_line(struct logfile *f, int in, off_t size, struct why *w)
{
	return tail_within_line(in, size) ? outfile_write_as_is(f->fd, f->path, "\n", 1, w) : 0;
}

/* Without a time of birth the file is as old as its last change. */
static uint64_t begin_of(int fd, const struct stat *st)
{
	struct statx x;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &x) && x.stx_mask & STATX_BTIME)
		return x.stx_btime.tv_sec * NS_PER_SECOND + x.stx_btime.tv_nsec;
	return st->st_mtim.tv_sec * NS_PER_SECOND + st->st_mtim.tv_nsec;
}

static int take_up(struct logfile *f, int fd, struct why *w)
{
	struct stat st;
	off_t size;
	int in = tail_open(fd, f->path, &size), err = 0;

	f->fd = fd;
	if (in >= 0)
		err = f->packing ? cut_frame(f, in, size, w) : end_line(f, in, size, w);
	if (in >= 0)
		close(in);
	if (err)
		return err;
	if (fstat(fd, &st))
		return why(w, -errno, "cannot look at %s: %s", f->path, strerror(errno));
	f->size = st.st_size;
	f->begun_ns = f->size ? begin_of(fd, &st) : 0;
	return 0;
}

static void close_file(struct logfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

/* ---- a new one ------------------------------------------------------------------------- */

static bool rotates(const struct logfile *f)
{
	return f->rotate.bytes || f->rotate.seconds > 0;
}

static int begin_file(struct logfile *f, struct why *w)
{
	int fd, err = rotation_move(&f->names, f->fd, w);

	if (!err)
		err = outfile_open(f->path, O_APPEND, f->uid, f->gid, &fd, w);
	if (err)
		return err;
	close_file(f);
	return take_up(f, fd, w);
}

static bool is_old(struct logfile *f)
{
	uint64_t now = clock_ns(CLOCK_REALTIME);

	if (!f->begun_ns || f->rotate.seconds <= 0)
		return false;
	if (now < f->begun_ns) /* the clock was set back */
		f->begun_ns = now;
	return (now - f->begun_ns) / 1e9 >= f->rotate.seconds;
}

/* Would these bytes make it too large? A file has at least one line. */
static bool is_full(const struct logfile *f, size_t more)
{
	return f->rotate.bytes && f->size && f->size + more > f->rotate.bytes;
}

/* ---- writing --------------------------------------------------------------------------- */

static int write_out(struct logfile *f, const char *s, size_t len, struct why *w)
{
	int err = f->fd < 0 ? -EBADF : outfile_write_as_is(f->fd, f->path, s, len, w);

	if (err)
		return err;
	if (!f->size)
		f->begun_ns = clock_ns(CLOCK_REALTIME);
	f->size += len;
	return 0;
}

/* How many bytes of whole lines, up to `most`; 0: the first line is longer. */
static size_t lines_within(const char *s, size_t len, uint64_t most)
{
	const char *end;

	if (len <= most)
		return len;
	end = memrchr(s, '\n', most);
	return end ? (size_t)(end - s) + 1 : 0;
}

static size_t first_line(const char *s, size_t len)
{
	const char *end = memchr(s, '\n', len);

	return end ? (size_t)(end - s) + 1 : len;
}

/* For the next piece. */
static uint64_t room_of(const struct logfile *f)
{
	uint64_t room = f->size < f->rotate.bytes ? f->rotate.bytes - f->size : 0;

	return !f->rotate.bytes || room > PIECE_BYTES ? PIECE_BYTES : room;
}

static ssize_t put_plain(struct logfile *f, const char *s, size_t len, struct why *w)
{
	size_t piece = lines_within(s, len, room_of(f));
	int err;

	if (!piece && is_full(f, first_line(s, len)))
		return begin_file(f, w);
	piece = piece ?: first_line(s, len);
	err = write_out(f, s, piece, w);
	return err ? err : (ssize_t)piece;
}

/* Lines shrink when they are packed, so a file of one frame is not larger than was asked for. */
static size_t frame_bytes(const struct logfile *f)
{
	return f->rotate.bytes && f->rotate.bytes < FRAME_BYTES ? f->rotate.bytes : FRAME_BYTES;
}

static ssize_t keep(struct logfile *f, const char *s, size_t len, struct why *w)
{
	size_t most = frame_bytes(f), piece = lines_within(s, len, most - f->kept.len);
	int err = 0;

	if (!piece && f->kept.len)
		return logfile_flush(f, w);
	piece = piece ?: first_line(s, len);
	if (!f->kept.len)
		f->kept_since_ns = clock_ns(CLOCK_MONOTONIC);
	buf_add(&f->kept, s, piece);
	if (f->kept.failed)
		return why(w, -ENOMEM, "out of memory");
	if (f->kept.len >= most)
		err = logfile_flush(f, w);
	return err ? err : (ssize_t)piece;
}

ssize_t logfile_put(struct logfile *f, const char *s, size_t len, struct why *w)
{
	int err = logfile_tick(f, w);

	if (err)
		return err;
	return f->packing ? keep(f, s, len, w) : put_plain(f, s, len, w);
}

int logfile_flush(struct logfile *f, struct why *w)
{
	int err;

	if (!f->kept.len)
		return 0;
	buf_clear(&f->frame);
	err = f->packing->pack(f->state, f->kept.s, f->kept.len, &f->frame);
	buf_clear(&f->kept); /* after a failure nothing may be written twice: the caller stops */
	if (err)
		return why(w, err, "cannot pack %s: %s", f->path, strerror(-err));
	if (is_full(f, f->frame.len))
		err = begin_file(f, w);
	return err ? err : write_out(f, f->frame.s, f->frame.len, w);
}

bool logfile_waits(const struct logfile *f)
{
	return f->kept.len || (f->rotate.seconds > 0 && f->begun_ns);
}

int logfile_tick(struct logfile *f, struct why *w)
{
	int err = 0;

	if (f->kept.len && clock_ns(CLOCK_MONOTONIC) - f->kept_since_ns >= FRAME_NS)
		err = logfile_flush(f, w);
	if (!err && is_old(f)) {
		err = logfile_flush(f, w);
		if (!err)
			err = begin_file(f, w);
	}
	return err;
}

int logfile_switch(struct logfile *f, int fd, struct why *w)
{
	int err = logfile_flush(f, w);

	close_file(f);
	f->fd = fd;
	return err ? err : take_up(f, fd, w);
}

/* ---- begin and end --------------------------------------------------------------------- */

static int set_up(struct logfile *f, const struct logfile_options *o, struct why *w)
{
	int err = 0;

	f->path = strdup(o->path);
	if (!f->path)
		return why(w, -ENOMEM, "out of memory");
	f->names = (struct rotation){
		.path = f->path,
		.suffix = o->packing ? o->packing->suffix : "",
		.keep = o->keep,
		.uid = o->uid,
	};
	if (!rotation_possible(&f->names, f->fd))
		return why(w, -EINVAL, "%s cannot be %s: name a regular file that is not a link",
			   f->path, rotates(f) ? "rotated" : "packed");
	if (f->packing)
		err = f->packing->start(&f->state);
	return err ? why(w, err, "cannot pack %s: %s", f->path, strerror(-err)) : 0;
}

int logfile_new(const struct logfile_options *o, int fd, struct logfile **ret_file, struct why *w)
{
	struct logfile *f = calloc(1, sizeof(*f));
	int err;

	if (!f) {
		close(fd);
		return why(w, -ENOMEM, "out of memory");
	}
	f->fd = fd;
	f->packing = o->packing;
	f->rotate = o->rotate;
	f->uid = o->uid;
	f->gid = o->gid;
	err = set_up(f, o, w);
	if (!err)
		err = take_up(f, fd, w);
	if (err)
		logfile_free(f);
	else
		*ret_file = f;
	return err;
}

void logfile_free(struct logfile *f)
{
	if (!f)
		return;
	(void)logfile_flush(f, NULL);
	close_file(f);
	if (f->state)
		f->packing->stop(f->state);
	buf_release(&f->kept);
	buf_release(&f->frame);
	free(f->path);
	free(f);
}
