/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach/launch.h"

#define HELD_MAX 128
#define STEP_STOPS 16 /* system call stops (two per call) between two looks at a process */
#define SYSCALL_STOP (SIGTRAP | 0x80)

struct launch {
	pid_t pid;
	const char *name;     /* borrowed: argv[0] */
	int go[2];	      /* a byte lets the child exec; end of file, when we die, ends it */
	int failed[2];	      /* the child's errno, when its exec failed */
	pid_t held[HELD_MAX]; /* the command and its children, until they are released */
	int nheld;
	pid_t stopping; /* was asked to stop and has not stopped yet; 0 = none */
	unsigned stops;
};

#define TRACE_IT (PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD)
#define TRACE_CHILDREN (PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

static _Noreturn void child(struct launch *l, char **command)
{
	sigset_t none;
	char byte;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	close(l->go[1]);
	if (read(l->go[0], &byte, 1) != 1)
		_exit(127);
	execvp(command[0], command);
	err = errno;
	(void)!write(l->failed[1], &err, sizeof(err));
	_exit(127);
}

static void hold(struct launch *l, pid_t pid)
{
	if (l->nheld < HELD_MAX)
		l->held[l->nheld++] = pid;
}

static void unhold(struct launch *l, pid_t pid)
{
	for (int i = 0; i < l->nheld; i++)
		if (l->held[i] == pid)
			l->held[i--] = l->held[--l->nheld];
}

int launch_holds(const struct launch *l, pid_t pid)
{
	for (int i = 0; l && i < l->nheld; i++)
		if (l->held[i] == pid)
			return 1;
	return 0;
}

int launch_new(char **command, bool children, struct launch **ret_launch, struct why *w)
{
	struct launch *l = calloc(1, sizeof(*l));

	if (!l)
		return why(w, -ENOMEM, "out of memory");
	l->name = command[0];
	if (pipe2(l->go, O_CLOEXEC) || pipe2(l->failed, O_CLOEXEC)) {
		free(l);
		return why(w, -errno, "cannot make a pipe: %s", strerror(errno));
	}
	l->pid = fork();
	if (l->pid == 0)
		child(l, command);
	close(l->go[0]);
	close(l->failed[1]);
	if (l->pid < 0 ||
	    ptrace(PTRACE_SEIZE, l->pid, 0, TRACE_IT | (children ? TRACE_CHILDREN : 0))) {
		int err = -errno;

		launch_free(l, 1);
		return why(w, err, "cannot start and hold '%s': %s", command[0], strerror(-err));
	}
	hold(l, l->pid);
	*ret_launch = l;
	return 0;
}

int launch_go(struct launch *l, struct why *w)
{
	int err;

	(void)!write(l->go[1], "", 1);
	close(l->go[1]);
	l->go[1] = -1;
	/* End of file: the exec succeeded and closed the pipe. */
	if (read(l->failed[0], &err, sizeof(err)) == sizeof(err))
		return why_exit(w, EXIT_USAGE, -err, "cannot run '%s': %s", l->name, strerror(err));
	return 0;
}

void launch_free(struct launch *l, int kill_it)
{
	if (!l)
		return;
	if (kill_it && l->pid > 0) {
		kill(l->pid, SIGKILL);
		waitpid(l->pid, NULL, 0);
	}
	if (l->go[1] >= 0)
		close(l->go[1]);
	close(l->failed[0]);
	free(l); /* the kernel releases held processes when this one exits */
}

pid_t launch_pid(const struct launch *l)
{
	return l->pid;
}

void launch_release(struct launch *l, pid_t pid)
{
	unhold(l, pid);
	ptrace(PTRACE_DETACH, pid, 0, 0);
}

void launch_hold_on(struct launch *l, pid_t pid)
{
	ptrace(PTRACE_CONT, pid, 0, 0);
}

/* Stops the main thread, the only one under ptrace. */
bool launch_stop(struct launch *l, pid_t pid)
{
	if (!launch_holds(l, pid) || l->stopping || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		return false;
	l->stopping = pid;
	return true;
}

void launch_step(struct launch *l, pid_t pid)
{
	ptrace(PTRACE_SYSCALL, pid, 0, 0);
}

/* Was it stopped by a signal of another process, as by a shell's job control? Then SIGCONT ends the
 * stop. */
static bool is_job_stop(int status)
{
	return status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) != SIGTRAP;
}

/* A stop that we did not ask for: the signal is passed on to the process. */
static void pass_on(struct launch *l, pid_t pid, int status)
{
	int event = status >> 16;
	unsigned long child;

	if ((event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK) &&
	    !ptrace(PTRACE_GETEVENTMSG, pid, 0, &child))
		hold(l, child);
	if (is_job_stop(status)) { /* the end of a job stop is reported as a stop too */
		ptrace(PTRACE_LISTEN, pid, 0, 0);
		return;
	}
	ptrace(PTRACE_CONT, pid, 0, event ? 0 : WSTOPSIG(status));
	if (pid == l->stopping) /* the other stop has cancelled our interrupt */
		ptrace(PTRACE_INTERRUPT, pid, 0, 0);
}

enum launch_event launch_next(struct launch *l, pid_t *ret_pid, int *ret_status)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			bool step = WSTOPSIG(status) == SYSCALL_STOP;
			bool stop = pid == l->stopping && status >> 16 == PTRACE_EVENT_STOP &&
				    !is_job_stop(status);

			if (stop)
				l->stopping = 0;
			if (step && ++l->stops % STEP_STOPS) {
				launch_step(l, pid);
				continue;
			}
			if (step || stop || status >> 16 == PTRACE_EVENT_EXEC) {
				*ret_pid = pid;
				return LAUNCH_EXEC;
			}
			pass_on(l, pid, status);
			continue;
		}
		unhold(l, pid);
		if (pid == l->stopping)
			l->stopping = 0;
		if (pid == l->pid) {
			l->pid = -1;
			*ret_pid = pid;
			*ret_status =
				WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
			return LAUNCH_ENDED;
		}
	}
	return LAUNCH_NOTHING;
}
