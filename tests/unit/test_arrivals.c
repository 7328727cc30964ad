/* SPDX-License-Identifier: MIT */
/*
 * Which records wait, how long and how many. They are LOST records, whose counts number them, on
 * their way to a real output.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "build.h"
#include "ft_counters.h"
#include "node/identities.h"
#include "session/arrivals.h"

#define WAIT_NS (2 * NS_PER_SECOND)
#define WAITING_MAX (64 << 20)
#define NAME_MAX_LEN 4000

static char output[] = "/tmp/ft-arrivals-XXXXXX";
static struct config config;
static struct why w;
static const struct ui ui;
static struct targets *targets;
static struct pipeline *pipeline;
static struct arrivals *arrivals;
static pid_t a, b; /* processes of which nothing is known */

static pid_t somebody(void)
{
	pid_t pid = fork();

	while (!pid)
		pause();
	return pid;
}

static void begin(bool wait)
{
	cr_assert_eq(arrivals_new(targets, pipeline, wait, &arrivals, &w), 0);
}

static void setup(void)
{
	char *argv[] = {(char *)"flowtrace-bpf",
			(char *)"--all",
			(char *)"--metadata=logs",
			(char *)"-o",
			output,
			NULL};

	close(mkstemp(output));
	config_init(&config);
	cr_assert_eq(config_parse(&config, 5, argv, &w), 0, "%s", w.text);
	cr_assert_eq(targets_new(&config, &ui, &targets, &w), 0, "%s", w.text);
	cr_assert_eq(pipeline_new(&config, &(struct pipeline_live){0}, &pipeline, &w), 0, "%s",
		     w.text);
	begin(true);
	a = somebody();
	b = somebody();
	identities_learn(targets_identities(targets), getpid());
}

static void teardown(void)
{
	const pid_t pids[] = {a, b};

	arrivals_free(arrivals);
	pipeline_finish(pipeline);
	targets_free(targets);
	pipeline_free(pipeline);
	config_release(&config);
	unlink(output);
	for (int i = 0; i < 2; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

TestSuite(arrivals, .init = setup, .fini = teardown, .timeout = 60);

static void come(pid_t pid, unsigned number)
{
	struct build record = {0};
	const struct ft_rec *rec =
		build_lost(&record, pid, pid, clock_ns(CLOCK_MONOTONIC), number, FT_LOST_ring_full);

	cr_assert_eq(arrivals_record(arrivals, rec, rec->size), 0);
	buf_release(&record.bytes);
}

/* The numbers of the records that have reached the output. */
static const char *seen(void)
{
	static char text[256];
	char line[1024];
	const char *at;
	FILE *f;

	cr_assert_eq(pipeline_flush(pipeline), 0);
	while (pipeline_settle(pipeline, 10))
		;
	text[0] = '\0';
	f = fopen(output, "r");
	while (fgets(line, sizeof(line), f))
		if ((at = strstr(line, "\"count\":")))
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ",
				 atoi(at + strlen("\"count\":")));
	fclose(f);
	return text;
}

static void learn(pid_t pid)
{
	identities_learn(targets_identities(targets), pid);
	cr_assert_eq(arrivals_tick(arrivals), 0);
}

Test(arrivals, others_do_not_wait)
{
	come(a, 1);
	come(getpid(), 2);
	come(0, 3);
	cr_assert_str_eq(seen(), "2 3 ");
	learn(a);
	cr_assert_str_eq(seen(), "2 3 1 ");
	come(a, 4);
	cr_assert_str_eq(seen(), "2 3 1 4 ");
}

Test(arrivals, those_of_a_process_stay_in_order)
{
	come(a, 1);
	come(b, 2);
	come(a, 3);
	come(b, 4);
	learn(b);
	cr_assert_str_eq(seen(), "2 4 ");
	come(a, 5);
	learn(a);
	cr_assert_str_eq(seen(), "2 4 1 3 5 ");
}

/* It is learned who it is, and before the next tick there is another record of it. */
Test(arrivals, one_that_need_not_wait_comes_after_those_that_did)
{
	come(a, 1);
	identities_learn(targets_identities(targets), a);
	come(a, 2);
	learn(a);
	cr_assert_str_eq(seen(), "1 2 ");
}

Test(arrivals, none_waits_longer_than_two_seconds)
{
	uint64_t began = clock_ns(CLOCK_MONOTONIC), waited;

	come(a, 1);
	usleep(1200000);
	come(b, 2);
	do {
		cr_assert_eq(arrivals_tick(arrivals), 0);
		waited = clock_ns(CLOCK_MONOTONIC) - began;
		usleep(1000);
	} while (!*seen());
	cr_assert(waited >= WAIT_NS && waited < 5 * WAIT_NS, "after %g s", waited / 1e9);
	cr_assert_str_eq(seen(), "1 ", "each process has its own two seconds");
	come(a, 3);
	cr_assert_str_eq(seen(), "1 3 ", "it is given up");
}

Test(arrivals, at_the_end_none_waits)
{
	come(a, 1);
	come(b, 2);
	cr_assert_str_eq(seen(), "");
	cr_assert_eq(arrivals_finish(arrivals), 0);
	cr_assert_str_eq(seen(), "1 2 ");
}

Test(arrivals, what_waits_has_a_bound)
{
	char name[NAME_MAX_LEN + 1] = "";
	struct build record = {0};
	const struct ft_rec *rec;
	size_t size = 0;

	memset(name, 'x', NAME_MAX_LEN);
	rec = build_thread(&record, a, a, name);
	come(a, 1);
	for (; size < WAITING_MAX - 2 * rec->size; size += rec->size)
		cr_assert_eq(arrivals_record(arrivals, rec, rec->size), 0);
	cr_assert_str_eq(seen(), "");
	for (int i = 0; i < 2; i++)
		cr_assert_eq(arrivals_record(arrivals, rec, rec->size), 0);
	cr_assert_str_eq(seen(), "1 ");
	buf_release(&record.bytes);
}

Test(arrivals, none_waits_if_that_is_not_asked_for)
{
	arrivals_free(arrivals);
	begin(false);
	come(a, 1);
	cr_assert_str_eq(seen(), "1 ");
}
