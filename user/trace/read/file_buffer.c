/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "read/file_buffer.h"

#define FOLLOW_PAUSE_NS (100 * NS_PER_MS)

int file_buffer_open(struct file_buffer *r, const char *path, const struct trace_input_options *o,
		     struct why *w)
{
	struct stat st;
	bool standard = !strcmp(path, "-");

	*r = (struct file_buffer){
		.fd = -1, .options = o, .name = standard ? "standard input" : path};
	r->buf = malloc(FILE_BUFFER_BYTES);
	if (!r->buf)
		return why(w, -ENOMEM, "out of memory");
	r->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (r->fd < 0)
		return why(w, -errno, "cannot open %s: %s", path, strerror(errno));
	if (fstat(r->fd, &st))
		return why(w, -errno, "cannot read %s: %s", r->name, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return why(w, -EISDIR, "%s is a directory: name the trace in it", r->name);
	r->regular = S_ISREG(st.st_mode);
	r->size = r->regular ? (uint64_t)st.st_size : 0;
	if (r->regular)
		posix_fadvise(r->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

void file_buffer_release(struct file_buffer *r)
{
	if (r->fd > STDERR_FILENO)
		close(r->fd);
	free(r->buf);
}

static bool stopped(const struct file_buffer *r)
{
	return r->options->stop && *r->options->stop;
}

/* At the end of a file that grows: 1 look again, 0 it is over, -errno. */
static int wait_for_more(struct file_buffer *r, struct why *w)
{
	const struct timespec pause = {0, FOLLOW_PAUSE_NS};
	struct stat st;

	if (!r->options->follow || !r->regular || stopped(r))
		return 0;
	if (!fstat(r->fd, &st) && (uint64_t)st.st_size < r->offset)
		return why(w, -ESTALE, "%s became shorter while it was read: start again", r->name);
	nanosleep(&pause, NULL);
	return 1;
}

ssize_t file_buffer_read(struct file_buffer *r, char *p, size_t size, struct why *w)
{
	while (!r->ended) {
		ssize_t n = read(r->fd, p, size);
		int more;

		if (n > 0) {
			r->offset += (uint64_t)n;
			return n;
		}
		if (n < 0 && errno == EINTR) {
			r->ended = stopped(r);
			continue;
		}
		if (n < 0)
			return why(w, -errno, "cannot read %s: %s", r->name, strerror(errno));
		more = wait_for_more(r, w);
		if (more < 0)
			return more;
		r->ended = !more;
	}
	return 0;
}

int file_buffer_fill(struct file_buffer *r, size_t want, struct why *w)
{
	if (r->start && r->len < want) {
		memmove(r->buf, r->buf + r->start, r->len);
		r->start = 0;
	}
	while (r->len < want) {
		size_t used = r->start + r->len;
		ssize_t n = file_buffer_read(r, r->buf + used, FILE_BUFFER_BYTES - used, w);

		if (n < 0)
			return (int)n;
		if (!n)
			break;
		r->len += (size_t)n;
	}
	return 0;
}
