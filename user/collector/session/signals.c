/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "signals.h"

/* timeout(1) and service managers send a signal twice: to the process and to its group. */
#define SAME_NS (100 * NS_PER_MS)
#define HANGUP_NS (2 * NS_PER_SECOND) /* from the terminal's end to its SIGHUP, at most */

static void end_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

int signals_open(struct signals *s, struct why *w)
{
	struct sigaction hangup;
	sigset_t set;
	int err;

	*s = (struct signals){.fd = -1, .terminal = -1};
	end_set(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	s->terminal = open("/dev/tty", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a closed standard output is a write error */
	signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow */
	signal(SIGCHLD, SIG_DFL);
	s->hangup_ignored = !sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler == SIG_IGN;
	s->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->fd >= 0)
		return 0;
	err = -errno;
	return why(w, err, "signalfd: %s", strerror(-err));
}

void signals_ready(struct signals *s)
{
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

static bool terminal_gone(const struct signals *s)
{
	struct pollfd terminal = {.fd = s->terminal};

	return s->terminal >= 0 && poll(&terminal, 1, 0) > 0 && terminal.revents & POLLHUP;
}

/*
 * When the terminal ends, the kernel sends SIGHUP, or a shell that got one does. At any other
 * SIGHUP the terminal is still there.
 */
static void on_hangup(struct signals *s, const struct signalfd_siginfo *si)
{
	if (si->ssi_code != SI_KERNEL && !terminal_gone(s))
		s->reopen = true;
	else if (!s->hangup_ignored)
		s->stop = true;
}

void signals_take(struct signals *s)
{
	struct signalfd_siginfo si;

	while (read(s->fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			on_hangup(s, &si);
		else if (si.ssi_signo != SIGCHLD)
			s->stop = true;
	}
}

/* A job after `disown` outlives its terminal and gets no SIGHUP for it. */
void signals_tick(struct signals *s)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!terminal_gone(s))
		return;
	if (!s->gone_ns) {
		s->gone_ns = now;
	} else if (now - s->gone_ns > HANGUP_NS) {
		close(s->terminal);
		s->terminal = -1;
	}
}

/* A thread of its own, because the main thread may be in the kernel for long, taking out the
 * hooks. */
static void *end_at_another(void *first)
{
	uint64_t first_ns = *(uint64_t *)first;
	sigset_t set;
	int number;

	end_set(&set);
	while (sigwait(&set, &number) || clock_ns(CLOCK_MONOTONIC) - first_ns < SAME_NS)
		;
	signal(number, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), number);
	return NULL;
}

void signals_end_at_once(void)
{
	static uint64_t first_ns;
	pthread_t thread;

	first_ns = clock_ns(CLOCK_MONOTONIC);
	if (!pthread_create(&thread, NULL, end_at_another, &first_ns))
		pthread_detach(thread);
}

void signals_close(struct signals *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->terminal >= 0)
		close(s->terminal);
}
