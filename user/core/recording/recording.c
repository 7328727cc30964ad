/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/outfile.h"
#include "base/outlet.h"
#include "recording/recording.h"

/* "FTREC" and bytes that a text-mode copy would spoil. */
static const char magic[8] = {'F', 'T', 'R', 'E', 'C', '\r', '\n', 0};

#define WRITE_BYTES (256 * 1024)
#define QUEUE_BYTES (64u << 20)

/* ---- writing ------------------------------------------------------------------ */

struct recorder {
	char *path;
	int fd;
	struct buf out;
	struct outlet *outlet; /* owned; NULL: written at once */
};

static int recorder_flush(struct recorder *r, struct why *w)
{
	int err;

	if (r->outlet)
		return outlet_put(r->outlet, &r->out, w);
	err = outfile_write(r->fd, r->path, r->out.s, r->out.len, w);
	r->out.len = 0;
	return err;
}

static int recorder_free(struct recorder *r, int err)
{
	outlet_free(r->outlet);
	if (r->fd >= 0)
		close(r->fd);
	buf_release(&r->out);
	free(r->path);
	free(r);
	return err;
}

int recorder_new(const char *path, const struct ft_rec_session *session, long uid, long gid,
		 struct recorder **ret_recorder, struct why *w)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return why(w, -ENOMEM, "out of memory");
	r->fd = -1;
	r->path = strdup(path);
	if (!r->path || !buf_grow(&r->out, WRITE_BYTES + FT_MAX_RECORD))
		return recorder_free(r, why(w, -ENOMEM, "out of memory"));
	err = outfile_open(path, O_TRUNC, uid, gid, &r->fd, w);
	if (err)
		return recorder_free(r, err);
	buf_add(&r->out, magic, sizeof(magic));
	buf_add(&r->out, (const char *)session, sizeof(*session));
	*ret_recorder = r;
	return 0;
}

int recorder_write(struct recorder *r, const struct ft_rec *rec, size_t size, struct why *w)
{
	buf_add(&r->out, (const char *)rec, size);
	if (r->out.failed)
		return why(w, -ENOMEM, "out of memory");
	if (r->out.len < WRITE_BYTES)
		return 0;
	if (r->outlet && outlet_bytes(r->outlet) > QUEUE_BYTES)
		return why(w, -EIO,
			   "cannot write to %s: it takes less than is recorded, %u MiB wait",
			   r->path, QUEUE_BYTES >> 20);
	return recorder_flush(r, w);
}

int recorder_queue(struct recorder *r, struct why *w)
{
	return outlet_new(r->fd, r->path, &r->outlet, w);
}

int recorder_settle(struct recorder *r, unsigned ms, struct why *w)
{
	int err = recorder_flush(r, w);

	return err || !r->outlet ? err : outlet_wait(r->outlet, ms, w);
}

uint64_t recorder_stalled_ns(struct recorder *r)
{
	return r->outlet ? outlet_stalled_ns(r->outlet) : 0;
}

bool recorder_give_up(struct recorder *r)
{
	struct buf rest = {};
	bool whole;

	if (!r->outlet)
		return true;
	outlet_give_up(r->outlet, &rest);
	whole = !rest.len;
	buf_release(&rest);
	return whole;
}

int recorder_close(struct recorder *r, struct why *w)
{
	return r ? recorder_free(r, r->outlet ? 0 : recorder_flush(r, w)) : 0;
}

/* ---- reading ------------------------------------------------------------------ */

/* More than any writer makes: an in-process one carries up to 1 MiB a field. */
#define READ_MAX_RECORD (4u << 20)
#define READ_BYTES (2 * READ_MAX_RECORD)

struct reader {
	const char *path;
	int fd;
	char *data; /* owned; what was read and not yet handed on is [at, end) */
	size_t at, end;
	unsigned long long offset; /* of data[at] in the file */
	bool seen_session;
};

/* Reads until `want` bytes are at hand or the file ends; *ret_have: how many are. */
static int fill(struct reader *r, size_t want, size_t *ret_have, struct why *w)
{
	while (r->end - r->at < want) {
		ssize_t n;

		/* Records are multiples of 8, so alignment survives the move. */
		if (READ_BYTES - r->at < want) {
			memmove(r->data, r->data + r->at, r->end - r->at);
			r->end -= r->at;
			r->at = 0;
		}
		n = read(r->fd, r->data + r->end, READ_BYTES - r->end);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			return why(w, n, "cannot read %s: %s", r->path, strerror(-n));
		}
		if (!n)
			break;
		r->end += n;
	}
	*ret_have = r->end - r->at;
	return 0;
}

static int read_magic(struct reader *r, struct why *w)
{
	size_t have;
	int err = fill(r, sizeof(magic), &have, w);

	if (err)
		return err;
	if (have < sizeof(magic) || memcmp(r->data, magic, sizeof(magic)))
		return why(w, -EBADMSG, "%s is not a recording of flowtrace-bpf (byte 0)", r->path);
	r->at += sizeof(magic);
	r->offset += sizeof(magic);
	return 0;
}

static int check_session(struct reader *r, const struct ft_rec *rec, struct why *w)
{
	const struct ft_rec_session *s = (const void *)rec;

	if (rec->type != FT_REC_SESSION || rec->size < sizeof(*s))
		return why(w, -EBADMSG, "%s: no session record at byte %llu", r->path, r->offset);
	if (s->abi_version != FT_ABI_VERSION)
		return why(w, -EBADMSG,
			   "%s was made with version %u of the record format (byte %llu), "
			   "this program reads version %d",
			   r->path, s->abi_version, r->offset, FT_ABI_VERSION);
	return 0;
}

/* *ret_rec NULL at the end of the file. */
static int next_record(struct reader *r, const struct ft_rec **ret_rec, struct why *w)
{
	const struct ft_rec *rec;
	size_t have;
	int err = fill(r, sizeof(*rec), &have, w);

	*ret_rec = NULL;
	if (err || !have)
		return err;
	rec = (const void *)(r->data + r->at);
	if (have >= sizeof(*rec)) {
		if (rec->size < sizeof(*rec) || rec->size % 8 || rec->size > READ_MAX_RECORD)
			return why(w, -EBADMSG, "%s is corrupt at byte %llu: a record of %u bytes",
				   r->path, r->offset, rec->size);
		err = fill(r, rec->size, &have, w);
		if (err)
			return err;
		rec = (const void *)(r->data + r->at);
	}
	if (have < sizeof(*rec) || have < rec->size)
		return why(w, -EBADMSG, "%s is truncated: the record at byte %llu is not whole",
			   r->path, r->offset);
	*ret_rec = rec;
	return 0;
}

static int read_all(struct reader *r, record_fn fn, void *arg, struct why *w)
{
	const struct ft_rec *rec;
	int err = read_magic(r, w);

	while (!err) {
		err = next_record(r, &rec, w);
		if (err || !rec)
			break;
		if (!r->seen_session)
			err = check_session(r, rec, w);
		r->seen_session = true;
		if (!err)
			err = fn(arg, rec, rec->size);
		r->at += rec->size;
		r->offset += rec->size;
	}
	if (!err && !r->seen_session)
		err = why(w, -EBADMSG,
			  "%s is truncated: it ends at byte %llu, before its first record", r->path,
			  r->offset);
	return err;
}

int recording_read(const char *path, record_fn fn, void *arg, struct why *w)
{
	struct reader r = {.path = path};
	int err;

	r.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (r.fd < 0) {
		err = -errno;
		return why(w, err, "cannot open %s: %s", path, strerror(-err));
	}
	r.data = malloc(READ_BYTES);
	err = r.data ? read_all(&r, fn, arg, w) : why(w, -ENOMEM, "out of memory");
	free(r.data);
	close(r.fd);
	return err;
}
