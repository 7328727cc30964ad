/* SPDX-License-Identifier: MIT */
/* A queue in front of outputs that take nothing, or go away. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/outlet.h"

static struct outlet *o;
static int end[2]; /* of a pipe: to read from, to write to */
static char file[] = "/tmp/flowtrace-outlet-XXXXXX";

static void setup(void)
{
	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(end), 0);
}

static void teardown(void)
{
	outlet_free(o);
	unlink(file);
}

TestSuite(outlet, .init = setup, .fini = teardown, .timeout = 20);

static void start(int fd)
{
	cr_assert_eq(outlet_new(fd, "the output", &o, NULL), 0);
}

/* Numbered lines, of 100 bytes each. */
static void put_lines(unsigned from, unsigned to)
{
	struct buf b = {};
	char line[101];

	for (unsigned i = from; i < to; i++) {
		snprintf(line, sizeof(line), "%-98u|\n", i);
		buf_str(&b, line);
	}
	cr_assert_eq(outlet_put(o, &b, NULL), 0);
	cr_assert_eq(b.len, 0);
}

/* Reads lines until there are none for a while; the next number. They are whole and in order. */
static unsigned read_lines(int fd, unsigned from)
{
	static char text[1 << 20];
	size_t len = 0;
	ssize_t n;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 20;) {
		n = read(fd, text + len, sizeof(text) - len);
		len += n > 0 ? n : 0;
		idle = n > 0 ? 0 : idle + 1;
		if (n <= 0)
			usleep(5000);
	}
	cr_assert_eq(len % 100, 0, "a line is torn");
	for (size_t at = 0; at < len; at += 100, from++)
		cr_assert_eq(strtoul(text + at, NULL, 10), from);
	return from;
}

static uint64_t ms_since(uint64_t began_ns)
{
	return (clock_ns(CLOCK_MONOTONIC) - began_ns) / NS_PER_MS;
}

Test(outlet, file)
{
	int fd = mkstemp(file);

	start(fd);
	put_lines(0, 5000);
	cr_assert_eq(outlet_wait(o, 5000, NULL), 0);
	cr_assert_eq(outlet_bytes(o), 0);
	cr_assert_eq(outlet_stalled_ns(o), 0);
	lseek(fd, 0, SEEK_SET);
	cr_assert_eq(read_lines(fd, 0), 5000);
}

Test(outlet, nobody_waits_for_a_reader)
{
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC);

	start(end[1]);
	for (unsigned i = 0; i < 8000; i += 100)
		put_lines(i, i + 100);
	cr_assert_lt(ms_since(began_ns), 1000);
	cr_assert_eq(outlet_wait(o, 100, NULL), -EAGAIN);
	cr_assert_geq(ms_since(began_ns), 100);
	cr_assert_gt(outlet_bytes(o), 8000 * 100 - 70000); /* what is not in the pipe */
	cr_assert_gt(outlet_stalled_ns(o), 50 * NS_PER_MS);
	cr_assert_eq(read_lines(end[0], 0), 8000);
	cr_assert_eq(outlet_wait(o, 1000, NULL), 0);
	cr_assert_eq(outlet_bytes(o), 0);
	cr_assert(!(fcntl(end[1], F_GETFL) & O_NONBLOCK), "others use it too");
}

static void check_given_up(int reader, size_t rest_to_be_at_least)
{
	struct buf rest = {};
	uint64_t began_ns = clock_ns(CLOCK_MONOTONIC);
	unsigned next;

	outlet_give_up(o, &rest);
	cr_assert_lt(ms_since(began_ns), 1000);
	cr_assert_gt(rest.len, rest_to_be_at_least);
	next = strtoul(rest.s, NULL, 10);
	outlet_last_words(o, rest.s, 100); /* the first of them is the last */
	cr_assert_eq(read_lines(reader, 0), next + 1);
	cr_assert_eq(rest.len % 100, 0);
	buf_release(&rest);
}

Test(outlet, a_pipe_is_given_up)
{
	start(end[1]);
	put_lines(0, 3000);
	cr_assert_eq(outlet_wait(o, 100, NULL), -EAGAIN);
	check_given_up(end[0], 3000 * 100 - 70000);
}

Test(outlet, what_was_put_moves_on)
{
	int fd = mkstemp(file);

	start(end[1]);
	put_lines(0, 2000);
	cr_assert_eq(outlet_switch(o, fd, true, NULL), 0);
	put_lines(2000, 3000);
	cr_assert_eq(outlet_wait(o, 100, NULL), -EAGAIN);
	cr_assert_eq(read_lines(end[0], 0), 2000);
	cr_assert_eq(outlet_wait(o, 1000, NULL), 0);
	cr_assert_eq(fcntl(end[1], F_GETFD), -1, "the old one is closed after its last byte");
	lseek(fd, 0, SEEK_SET);
	cr_assert_eq(read_lines(fd, 2000), 3000);
}

Test(outlet, a_reader_that_goes)
{
	struct buf b = {};
	struct why w = {};

	start(end[1]);
	put_lines(0, 3000);
	cr_assert_eq(outlet_wait(o, 50, NULL), -EAGAIN);
	close(end[0]);
	cr_assert_eq(outlet_wait(o, 1000, &w), -EPIPE);
	cr_assert_str_eq(w.text, "cannot write to the output: Broken pipe");
	buf_str(&b, "more\n");
	cr_assert_eq(outlet_put(o, &b, NULL), -EPIPE);
	cr_assert_eq(outlet_error(o, NULL), -EPIPE);
}

Test(outlet, a_socket_without_a_reader)
{
	struct buf rest = {};
	int ours[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ours), 0);
	start(ours[0]);
	put_lines(0, 20000);
	cr_assert_eq(outlet_wait(o, 100, NULL), -EAGAIN);
	outlet_give_up(o, &rest);
	cr_assert_gt(rest.len, 0);
	cr_assert(!(fcntl(ours[0], F_GETFL) & O_NONBLOCK));
	buf_release(&rest);
}

static int terminal(int *ret_master)
{
	struct termios mode;
	int slave;

	*ret_master = posix_openpt(O_RDWR | O_NOCTTY);
	cr_assert_geq(*ret_master, 0);
	cr_assert_eq(grantpt(*ret_master) | unlockpt(*ret_master), 0);
	slave = open(ptsname(*ret_master), O_RDWR | O_NOCTTY);
	cr_assert_geq(slave, 0);
	cr_assert_eq(tcgetattr(slave, &mode), 0);
	cfmakeraw(&mode);
	cr_assert_eq(tcsetattr(slave, TCSANOW, &mode), 0);
	return slave;
}

static void put(const char *text)
{
	struct buf b = {};

	buf_str(&b, text);
	cr_assert_eq(outlet_put(o, &b, NULL), 0);
	cr_assert_eq(outlet_wait(o, 1000, NULL), 0);
}

static void expect(int fd, const char *want)
{
	char got[200] = "";

	cr_assert_gt(read(fd, got, sizeof(got) - 1), 0);
	cr_assert_str_eq(got, want);
}

/* Names that others chose steer no terminal; whoever is no terminal gets them as they are. */
Test(outlet, a_terminal)
{
	const char *evil = "{\"a\": \"\xc2\x9b"
			   "31m\u202e\u2028\x1b[2J\"}\n";
	const char *safe = "{\"a\": \"\\u009b31m\\u202e\\u2028\\u001b[2J\"}\n";
	int master, slave = terminal(&master);

	start(end[1]);
	put(evil);
	expect(end[0], evil);
	cr_assert_eq(outlet_switch(o, slave, true, NULL), 0);
	put(evil);
	expect(master, safe);
}
