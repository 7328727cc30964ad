/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "source/program_output.h"

#define MAX_BYTES (1 << 20)

static int start(char *const argv[], int out, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	int err;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&how);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
	err = -posix_spawnp(ret_pid, argv[0], &files, &how, argv, environ);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static int read_until(int fd, uint64_t deadline_ns, struct buf *b)
{
	while (b->len < MAX_BYTES) {
		uint64_t now = clock_ns(CLOCK_MONOTONIC);
		struct pollfd p = {.fd = fd, .events = POLLIN};
		char *room = buf_room(b, 4096);
		ssize_t n;

		if (!room)
			return -ENOMEM;
		if (now >= deadline_ns)
			return -ETIMEDOUT;
		if (poll(&p, 1, (int)((deadline_ns - now) / NS_PER_MS) + 1) <= 0)
			continue;
		n = read(fd, room, 4096);
		if (!n)
			return 0;
		if (n > 0)
			b->len += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int output_of(char *const argv[], int seconds, struct buf *ret, int *ret_status, struct why *w)
{
	uint64_t deadline = clock_ns(CLOCK_MONOTONIC) + (uint64_t)seconds * NS_PER_SECOND;
	int fd[2], err;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC))
		return why(w, -errno, "cannot run %s: %s", argv[0], strerror(errno));
	err = start(argv, fd[1], &pid);
	close(fd[1]);
	if (err) {
		close(fd[0]);
		return why(w, err, "cannot run %s: %s", argv[0], strerror(-err));
	}
	err = read_until(fd[0], deadline, ret);
	close(fd[0]);
	if (err)
		kill(-pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	if (err == -ETIMEDOUT)
		return why(w, err, "%s did not answer within %d s", argv[0], seconds);
	return err ? why(w, err, "cannot read what %s says: %s", argv[0], strerror(-err)) : 0;
}
