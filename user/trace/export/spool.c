/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/spool.h"

static const char *folder(void)
{
	const char *name = getenv("TMPDIR");

	return name && name[0] ? name : "/var/tmp";
}

static int open_file(struct spool *s, struct why *w)
{
	int err;

	if (s->fd >= 0)
		return 0;
	s->fd = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0)
		return 0;
	err = -errno;
	return why(w, err, "cannot make a temporary file in %s: %s (TMPDIR names another folder)",
		   folder(), strerror(-err));
}

void spool_release(struct spool *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void spool_text_release(struct spool_text *t)
{
	buf_release(&t->b);
	free(t->block);
	free(t->len);
}

static bool make_room(struct spool_text *t)
{
	size_t room = t->room ? t->room * 2 : 8;
	uint64_t *block;
	uint32_t *len;

	if (t->count < t->room)
		return true;
	block = realloc(t->block, room * sizeof(*block));
	if (block)
		t->block = block;
	len = realloc(t->len, room * sizeof(*len));
	if (len)
		t->len = len;
	if (!block || !len)
		return false;
	t->room = room;
	return true;
}

static int write_all(int fd, const char *p, size_t size, uint64_t at, struct why *w)
{
	while (size) {
		ssize_t n = pwrite(fd, p, size, (off_t)at);
		int err = n < 0 ? -errno : -EIO;

		if (n <= 0 && err != -EINTR)
			return why(w, err, "cannot write a temporary file in %s: %s", folder(),
				   strerror(-err));
		if (n > 0) {
			p += n;
			at += (uint64_t)n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int spool_spare(struct spool *s, struct spool_text *t, struct why *w)
{
	int err;

	if (t->b.failed || !make_room(t))
		return why(w, -ENOMEM, "out of memory");
	if (t->b.len < SPOOL_BLOCK)
		return 0;
	err = open_file(s, w);
	if (!err)
		err = write_all(s->fd, t->b.s, t->b.len, s->size, w);
	if (err)
		return err;
	t->block[t->count] = s->size;
	t->len[t->count++] = (uint32_t)t->b.len;
	s->size += t->b.len;
	t->b.len = 0;
	return 0;
}

static int read_all(int fd, char *p, size_t size, uint64_t at, struct why *w)
{
	while (size) {
		ssize_t n = pread(fd, p, size, (off_t)at);
		int err = n < 0 ? -errno : -EIO;

		if (n <= 0 && err != -EINTR)
			return why(w, err, "cannot read a temporary file in %s: %s", folder(),
				   strerror(-err));
		if (n > 0) {
			p += n;
			at += (uint64_t)n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int spool_copy(struct spool *s, struct spool_text *t, struct export_to *to, struct why *w)
{
	int err = 0;

	for (size_t i = 0; i < t->count && !err; i++) {
		char *room = buf_room(&to->b, t->len[i]);

		if (!room)
			return why(w, -ENOMEM, "out of memory");
		err = read_all(s->fd, room, t->len[i], t->block[i], w);
		if (err)
			break;
		to->b.len += t->len[i];
		err = export_to_spare(to, w);
	}
	if (!err && t->b.len)
		buf_add(&to->b, t->b.s, t->b.len);
	return err;
}
