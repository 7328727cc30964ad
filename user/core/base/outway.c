/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/outway.h"

#define PIECE_BYTES (128 * 1024) /* of a file: progress is noted after each */

/* ---- without blocking ------------------------------------------------------------------ */

static enum output_kind kind_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return KIND_FILE;
	if (S_ISFIFO(st.st_mode))
		return KIND_PIPE;
	if (S_ISSOCK(st.st_mode))
		return KIND_SOCKET;
	return isatty(fd) ? KIND_STREAM : KIND_FILE;
}

/* Opens the file once more: O_NONBLOCK belongs to the open file description, which others share. */
static int reopen(int fd)
{
	char path[64];
	int own;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return own < 0 ? fd : own;
}

void outway_open(struct outway *y, int fd)
{
	y->fd = fd;
	y->kind = kind_of(fd);
	y->own = y->kind == KIND_PIPE || y->kind == KIND_STREAM ? reopen(fd) : fd;
}

void outway_close(struct outway *y)
{
	if (y->own != y->fd)
		close(y->own);
	y->own = y->fd;
}

/* ---- one write ------------------------------------------------------------------------- */

size_t outway_line(const char *s, size_t len)
{
	const char *end = memchr(s, '\n', len);

	return end ? (size_t)(end - s) + 1 : len;
}

/* Number of bytes for the next write. */
static size_t piece_of(const struct outway *y, const char *s, size_t len)
{
	const char *end;

	if (y->kind == KIND_FILE)
		return len < PIECE_BYTES ? len : PIECE_BYTES;
	if (len <= PIPE_BUF)
		return len;
	end = memrchr(s, '\n', PIPE_BUF);
	return end ? (size_t)(end - s) + 1 : outway_line(s, len);
}

static ssize_t write_piece(const struct outway *y, const char *s, size_t len)
{
	if (y->kind == KIND_SOCKET)
		return send(y->own, s, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	/* A descriptor that could not be opened non-blocking may block on more than that. */
	if (y->kind != KIND_FILE && y->own == y->fd && len > PIPE_BUF)
		len = PIPE_BUF;
	return write(y->own, s, len);
}

ssize_t outway_write(const struct outway *y, const char *s, size_t len)
{
	struct pollfd fds[2] = {{y->own, POLLOUT, 0}, {y->stop_fd, POLLIN, 0}};
	ssize_t n;

	if (y->kind != KIND_FILE) {
		poll(fds, 2, -1);
		if (fds[1].revents || !fds[0].revents)
			return 0;
	}
	n = write_piece(y, s, piece_of(y, s, len));
	if (n > 0)
		return n;
	if (n < 0 && errno == EAGAIN &&
	    y->kind == KIND_FILE) /* another process made it non-blocking */
		poll(fds, 2, -1);
	if (n < 0 && errno == EAGAIN && y->kind == KIND_PIPE) /* there is room, but too little */
		poll(fds + 1, 1, 5);
	return n < 0 && (errno == EINTR || errno == EAGAIN) ? 0 : n < 0 ? -errno : -EIO;
}

/* ---- at the end ----------------------------------------------------------------------- */

/* Enlarges a pipe first, since its reader may not read any more. */
void outway_write_at_once(const struct outway *y, const char *s, size_t len)
{
	int size = y->kind == KIND_PIPE ? fcntl(y->own, F_GETPIPE_SZ) : -1;

	if (size > 0)
		(void)fcntl(y->own, F_SETPIPE_SZ, size + (int)len + 16 * PIPE_BUF);
	while (len) {
		struct pollfd out = {y->own, POLLOUT, 0};
		ssize_t n = poll(&out, 1, 0) > 0 ? write_piece(y, s, len) : -1;

		if (n <= 0)
			return;
		s += n;
		len -= n;
	}
}
