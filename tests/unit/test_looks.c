/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "session/looks.h"

#define GONE 0x7ffffff0 /* no process has this number */

static const struct config config = {.backend = "auto"};
static struct binaries *binaries;
static struct looks *looks;

/* Nothing here is hooked, so there is nothing to attach with. */
static void begin(void)
{
	cr_assert_eq(binaries_new(&binaries, NULL), 0);
	cr_assert_eq(looks_new(&config, NULL, binaries, &looks, NULL), 0);
}

static void end(void)
{
	cr_assert(looks_stop(looks));
	looks_free(looks);
	binaries_free(binaries);
}

TestSuite(looks, .init = begin, .fini = end, .timeout = 60);

static struct look *wait_for_one(void)
{
	struct pollfd fd = {.fd = looks_fd(looks), .events = POLLIN};
	struct look *k;

	while (!(k = looks_take(looks)))
		cr_assert_eq(poll(&fd, 1, 10000), 1);
	return k;
}

Test(looks, one_that_is_gone)
{
	uint64_t number = looks_ask(looks, GONE, LOOK_USUAL);
	struct look *k = wait_for_one();

	cr_assert(number);
	cr_assert_eq(k->number, number);
	cr_assert_eq(k->pid, GONE);
	cr_assert_eq(k->err, -ESRCH);
	cr_assert_eq(k->why.exit_status, EXIT_NO_PROCESS);
	cr_assert(!k->found && !k->python);
	look_free(k);
	cr_assert_null(looks_take(looks));
}

Test(looks, one_that_is_no_python)
{
	pid_t pid = fork();
	struct look *k;
	int err[2];

	if (!pid) {
		execl("/bin/sleep", "sleep", "20", NULL);
		_exit(127);
	}
	usleep(100000);
	for (int i = 0; i < 2; i++) { /* read, and known */
		cr_assert(looks_ask(looks, pid, LOOK_HELD));
		k = wait_for_one();
		err[i] = k->err;
		look_free(k);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_assert(err[0] == -ENOENT && err[1] == -ENOENT);
}

Test(looks, each_is_answered_once)
{
	bool answered[200] = {0};
	struct look *k;

	for (int i = 1; i < 200; i++)
		cr_assert_eq(looks_ask(looks, GONE, i % 3 ? LOOK_USUAL : LOOK_HELD), (uint64_t)i);
	for (int i = 1; i < 200; i++) {
		k = wait_for_one();
		cr_assert(!answered[k->number]);
		answered[k->number] = true;
		look_free(k);
	}
	cr_assert_null(looks_take(looks));
}

Test(looks, they_are_bounded)
{
	struct look *k;

	for (int i = 0; i < LOOKS_MAX; i++)
		cr_assert(looks_ask(looks, GONE, LOOK_USUAL));
	cr_assert_eq(looks_ask(looks, GONE, LOOK_HELD), 0);
	k = wait_for_one();
	look_free(k);
	cr_assert(looks_ask(looks, GONE, LOOK_HELD));
}

Test(looks, what_is_asked_for_at_the_end_is_forgotten)
{
	for (int i = 0; i < 1000; i++)
		looks_ask(looks, getpid(), LOOK_USUAL);
}

Test(looks, nobody_asked)
{
	cr_assert_null(looks_take(looks));
}
