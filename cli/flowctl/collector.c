/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collector.h"
#include "terminal.h"

#define NAME "flowtrace-bpf"
#define PIPE_BYTES (1 << 20) /* what it may be ahead of us */
#define MESSAGE_MAX 4096

/* Beside this program, which need not be installed. */
static bool find_beside(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - sizeof(NAME));
	char *slash;

	if (len < 0)
		return false;
	path[len] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	strcpy(slash + 1, NAME);
	return access(path, X_OK) == 0;
}

static bool find_in_path(char *path, size_t size)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		if (len && (size_t)snprintf(path, size, "%.*s/" NAME, (int)len, at) < size &&
		    !access(path, X_OK))
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

static int make_pipe(int fds[2], struct why *w)
{
	if (pipe2(fds, O_CLOEXEC)) {
		fds[0] = fds[1] = -1;
		return why(w, -errno, "cannot make a pipe: %s", strerror(errno));
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETPIPE_SZ, PIPE_BYTES); /* the more the better; less is not an error */
	return 0;
}

/* In the child: never returns. Ctrl-C is for flowctl, which then asks it to end; and it ends
 * when flowctl does. */
static void become(char *const *argv, int events, int messages)
{
	sigset_t none;
	int nothing = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(events, STDOUT_FILENO) >= 0 &&
	    dup2(messages, STDERR_FILENO) >= 0)
		execv(argv[0], argv);
	/* It is a pipe now: flowctl shows what comes through it. */
	terminal_line(stderr, NAME ": cannot start %s: %s", argv[0], strerror(errno));
	fflush(stderr);
	_exit(EXIT_OTHER);
}

int collector_start(struct collector *c, const char **argv, struct why *w)
{
	int events[2] = {-1, -1}, messages[2] = {-1, -1}, err;
	char path[PATH_MAX];

	*c = (struct collector){.events = -1, .messages = -1};
	if (!find_beside(path, sizeof(path)) && !find_in_path(path, sizeof(path)))
		return why(w, -ENOENT,
			   "cannot find " NAME " in flowctl's directory or in PATH: install it, or "
			   "add its directory to PATH");
	argv[0] = path;
	err = make_pipe(events, w);
	if (!err)
		err = make_pipe(messages, w);
	if (!err) {
		c->pid = fork();
		if (!c->pid)
			become((char *const *)argv, events[1], messages[1]);
		if (c->pid < 0)
			err = why(w, -errno, "cannot start " NAME ": %s", strerror(errno));
	}
	if (events[1] >= 0)
		close(events[1]);
	if (messages[1] >= 0)
		close(messages[1]);
	c->events = events[0];
	c->messages = messages[0];
	if (err < 0)
		c->pid = 0;
	return err;
}

/* Its messages begin with its name; -v makes it say what it attached to. */
static void take_message(struct collector *c, const char *text)
{
	const char *what = strncmp(text, NAME ": ", sizeof(NAME ": ") - 1)
				   ? text
				   : text + sizeof(NAME ": ") - 1;
	const char *python = strstr(what, ": CPython ");

	snprintf(c->last, sizeof(c->last), "%s", text);
	if (!strncmp(what, "attached after ", 15))
		c->ready = true;
	else if (!strncmp(what, "pid ", 4) && python)
		snprintf(c->target, sizeof(c->target), "%s", python + 2);
	else if (!strstr(what, "-> standard output") && !strstr(what, " x "))
		snprintf(c->note, sizeof(c->note), "%s", what);
}

static void take_messages(struct collector *c)
{
	char *end;

	while (c->line.len && (end = memchr(c->line.s, '\n', c->line.len))) {
		size_t len = (size_t)(end - c->line.s) + 1;

		*end = 0;
		take_message(c, c->line.s);
		memmove(c->line.s, c->line.s + len, c->line.len - len);
		c->line.len -= len;
	}
	if (c->line.len > MESSAGE_MAX)
		buf_clear(&c->line);
}

bool collector_listen(struct collector *c)
{
	char piece[1024];
	ssize_t got;

	while ((got = read(c->messages, piece, sizeof(piece))) > 0) {
		buf_add(&c->line, piece, (size_t)got);
		take_messages(c);
	}
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

void collector_stop(struct collector *c)
{
	if (c->pid)
		kill(c->pid, SIGTERM);
}

void collector_kill(struct collector *c)
{
	if (c->pid)
		kill(c->pid, SIGKILL);
}

void collector_wait(struct collector *c)
{
	if (!c->pid)
		return;
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
}

void collector_release(struct collector *c)
{
	if (c->events >= 0)
		close(c->events);
	if (c->messages >= 0)
		close(c->messages);
	buf_release(&c->line);
}
