/* SPDX-License-Identifier: MIT */
/* flowtrace-bpf: what the user asked for, and what to tell them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "pack/packings.h"
#include "print_check.h"
#include "print_list.h"
#include "session/run.h"
#include "standard.h"
#include "terminal.h"

#ifndef FT_VERSION
#define FT_VERSION "unknown"
#endif

#define NOTE_MS 100 /* while probes are in place a terminal is not waited for */
#define END_MS 1000

/* The status line is redrawn in place, so every other message first clears it. */
struct display {
	bool status; /* standard error is a terminal: show the status line */
	bool drawn;
	uint64_t events;
	double seconds;
};

/* What comes first in a message, so that it does not follow the status line. */
static const char *clear(struct display *t)
{
	bool drawn = t->drawn;

	t->drawn = false;
	return drawn ? STANDARD_CLEAR_LINE : "";
}

static void on_status(void *arg, const struct run_status *s)
{
	struct display *t = arg;
	double rate =
		s->seconds > t->seconds ? (s->events - t->events) / (s->seconds - t->seconds) : 0;

	standard_error(0, "%s%.0f events/s  %llu events  %llu functions  %llu lost", clear(t), rate,
		       (unsigned long long)s->events, (unsigned long long)s->functions,
		       (unsigned long long)s->lost);
	t->drawn = true;
	t->events = s->events;
	t->seconds = s->seconds;
}

static void on_note(void *arg, const char *text)
{
	standard_error(NOTE_MS, "%sflowtrace-bpf: %s\n", clear(arg), text);
}

static void on_debug(const char *text)
{
	standard_error(NOTE_MS, "%s", text);
}

static void print_counters(const struct run_result *r)
{
	static const char *const text[] = {
#define X(name, what) [FT_LOST_##name] = #name ": " what,
		FT_COUNTERS(X)
#undef X
	};

	for (int i = 0; i < FT_COUNTER_COUNT; i++)
		if (r->counters[i])
			standard_error(END_MS, "flowtrace-bpf: %llu x %s\n",
				       (unsigned long long)r->counters[i], text[i]);
}

static void print_summary(const struct config *c, const struct run_result *r)
{
	const struct run_status *s = &r->status;
	char filtered[40] = "";

	if (c->quiet)
		return;
	if (s->filtered)
		snprintf(filtered, sizeof(filtered), "%llu filtered, ",
			 (unsigned long long)s->filtered);
	standard_error(END_MS,
		       "flowtrace-bpf: %llu events, %llu lost, %s%llu functions, %llu unfinished, "
		       "%.1f seconds -> %s\n",
		       (unsigned long long)s->events, (unsigned long long)s->lost, filtered,
		       (unsigned long long)s->functions, (unsigned long long)s->unfinished,
		       s->seconds, output_name(c));
	if (c->verbose)
		print_counters(r);
}

static int fail(const struct why *w)
{
	standard_error(END_MS, "flowtrace-bpf: %s\n", w->text[0] ? w->text : "failed");
	return w->exit_status ? w->exit_status : EXIT_OTHER;
}

static int print_help(void)
{
	char *text = config_help();

	if (!text)
		return EXIT_OTHER;
	fputs(text, stdout);
	free(text);
	return EXIT_DONE;
}

static int trace(const struct config *c)
{
	struct display terminal = {.status = isatty(STDERR_FILENO) && !c->quiet};
	struct ui ui = {
		.status = terminal.status ? on_status : NULL,
		.note = c->quiet ? NULL : on_note,
		.debug = c->verbose > 1 ? on_debug : NULL,
		.arg = &terminal,
	};
	struct run_result result;
	struct why w = {};
	int err = run(c, &ui, &result, &w);

	standard_error(0, "%s", clear(&terminal));
	if (err)
		return fail(&w);
	print_summary(c, &result);
	return result.command_status;
}

/* The status of the first process that cannot be traced. */
static int check(const struct config *c)
{
	int status = EXIT_DONE;

	for (size_t i = 0; i < c->npids; i++) {
		struct check k;

		check_process(c->pids[i], c, &k);
		if (c->json)
			print_check_json(&k);
		else
			print_check(&k);
		fflush(stdout);
		if (k.why.exit_status)
			fail(&k.why);
		if (!status)
			status = k.why.exit_status;
		check_release(&k);
	}
	return status;
}

static int list(const struct config *c)
{
	struct list l;
	struct why w = {};

	if (list_processes(c, &l, &w))
		return fail(&w);
	if (c->json)
		print_list_json(&l, c);
	else
		print_list(&l, c);
	fflush(stdout);
	if (!l.whole) { /* a thread still reads, and has the settings */
		standard_error(END_MS, "flowtrace-bpf: there may be more: a process does not let "
				       "itself be examined\n");
		exit(EXIT_OTHER);
	}
	list_release(&l);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	struct config c;
	struct why w = {};
	int status;

	standard_open();
	terminal_guard();
	config_init(&c);
	if (config_parse(&c, argc, argv, &w)) {
		status = fail(&w);
	} else if (c.help) {
		status = print_help();
	} else if (c.version) {
		printf("flowtrace-bpf %s\n", FT_VERSION);
		status = EXIT_DONE;
	} else if (c.check) {
		status = check(&c);
	} else if (c.list) {
		status = list(&c);
	} else {
		c.packings = packings;
		status = trace(&c);
	}
	config_release(&c);
	return status;
}
