/* SPDX-License-Identifier: MIT */
/*
 * flowctl top: what a running program does now.
 *
 *     flowtrace-bpf --pipe--> feed -> live --each interval--> view -> screen, table or JSON
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/duration.h"
#include "collector.h"
#include "command.h"
#include "top_collector.h"
#include "top_screen.h"
#include "read/pipe_reader.h"
#include "terminal.h"

#define ROWS_IN_TABLE 20
#define INTERVAL_MAX 3600.0
#define INTERVAL_MIN 0.1
#define PATIENCE_NS (10 * NS_PER_SECOND) /* for the collector to detach */
#define READS_MAX 32 /* of the pipe, before keys and clock are looked at again */

struct options {
	struct top_target target;
	const char *interval;
	bool once;
	int sort;
	uint64_t limit;
};

static const struct command_option rows[] = {
	{.name = "pid",
	 .letter = 'p',
	 .kind = VALUE_LIST,
	 .at = OPTION_AT(struct options, target.pids),
	 .value = "PID",
	 .help = "the process to trace; repeatable, comma lists"},
	{.name = "prefix",
	 .letter = 'P',
	 .kind = VALUE_LIST,
	 .at = OPTION_AT(struct options, target.prefix),
	 .value = "a,b",
	 .help = "only modules whose dotted name starts with one of these"},
	{.name = "exclude",
	 .letter = 'x',
	 .kind = VALUE_LIST,
	 .at = OPTION_AT(struct options, target.exclude),
	 .value = "a,b",
	 .help = "leave out modules that start with one of these"},
	{.name = "follow",
	 .letter = 'f',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, target.follow),
	 .help = "also trace its children (fork, exec)"},
	{.name = "backend",
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, target.backend),
	 .value = "auto|usdt|uprobe|agent",
	 .initial = "auto",
	 .help = "how to hook the interpreter, as in flowtrace-bpf"},
	{.name = "interval",
	 .letter = 'i',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, interval),
	 .value = "SECS",
	 .initial = "1",
	 .help = "length of the interval; 0.1 to 3600 seconds, or a duration such as 500ms"},
	{.name = "sort",
	 .letter = 's',
	 .kind = VALUE_CHOICE,
	 .at = OPTION_AT(struct options, sort),
	 .value = TOP_SORT_WORDS,
	 .initial = "self",
	 .help = "sort key"},
	{.name = "limit",
	 .letter = 'n',
	 .kind = VALUE_NUMBER,
	 .at = OPTION_AT(struct options, limit),
	 .value = "N",
	 .help = "print only the first N functions, without a screen (default: 20, with --json "
		 "all)",
	 .min = 1},
	{.name = "once",
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, once),
	 .help = "print one view and exit"},
	{0},
};

enum show { SHOW_SCREEN, SHOW_TABLE, SHOW_JSON };

struct top {
	const struct options *o;
	enum show show;
	struct collector collector;
	struct pipe_reader feed;
	struct live live;
	struct top_view view;
	struct top_screen screen;
	int signals;
	sigset_t set;
	bool begun;    /* the first window */
	bool stopping; /* the collector was asked to end */
	bool torn;     /* the terminal, or standard output, is gone */
	uint64_t interval_ns, next_ns, start_ns, stop_ns;
	uint64_t real_us, mono_ns; /* the same moment on both clocks */
	struct buf title;
};

/* As the collector does, so that a clock that is set meanwhile moves neither. */
static uint64_t now_us(const struct top *t)
{
	return t->real_us + (clock_ns(CLOCK_MONOTONIC) - t->mono_ns) / 1000;
}

/* ---- signals ------------------------------------------------------------------------------ */

static int open_signals(struct top *t, struct why *w)
{
	static const int number[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT};

	sigemptyset(&t->set);
	for (size_t i = 0; i < sizeof(number) / sizeof(number[0]); i++)
		sigaddset(&t->set, number[i]);
	sigprocmask(SIG_BLOCK, &t->set, NULL);
	t->signals = signalfd(-1, &t->set, SFD_NONBLOCK | SFD_CLOEXEC);
	return t->signals < 0 ? why(w, -errno, "signalfd: %s", strerror(errno)) : 0;
}

static void stop(struct top *t)
{
	if (t->stopping) {
		collector_kill(&t->collector); /* asked twice */
		return;
	}
	t->stopping = true;
	t->stop_ns = clock_ns(CLOCK_MONOTONIC);
	screen_leave(); /* detaching may take a second */
	collector_stop(&t->collector);
}

static void draw(struct top *t)
{
	struct buf title = {0};
	char seconds[48];

	if (t->show != SHOW_SCREEN || t->stopping)
		return;
	buf_add(&title, t->title.s, t->title.len);
	if (t->collector.target[0] && !t->o->target.follow && t->o->target.pids.count == 1) {
		BUF_LITERAL(&title, "  ");
		buf_add(&title, t->collector.target, strcspn(t->collector.target, ","));
	}
	snprintf(seconds, sizeof(seconds), t->begun ? "  %.0f s" : "  attaching",
		 (double)(clock_ns(CLOCK_MONOTONIC) - t->start_ns) / 1e9);
	buf_str(&title, seconds);
	buf_char(&title, 0);
	if (title.failed || !top_screen_draw(&t->screen, &t->view, title.s, t->collector.note)) {
		t->torn = true;
		stop(t);
	}
	buf_release(&title);
}

/* Ctrl-Z: the terminal is the shell's until it wakes us. */
static void suspend(struct top *t)
{
	screen_leave();
	raise(SIGSTOP);
	if (t->show == SHOW_SCREEN && !t->stopping)
		screen_enter();
}

static void on_signals(struct top *t)
{
	struct signalfd_siginfo si;

	while (read(t->signals, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGTSTP)
			suspend(t);
		else if (si.ssi_signo != SIGWINCH && si.ssi_signo != SIGCONT)
			stop(t);
		draw(t);
	}
}

/* ---- windows ------------------------------------------------------------------------------ */

static int show(struct top *t)
{
	size_t limit = t->o->limit ? t->o->limit : t->show == SHOW_JSON ? SIZE_MAX : ROWS_IN_TABLE;
	int err = 0;

	if (t->show == SHOW_JSON)
		err = top_print_json(&t->view, limit);
	else if (t->show == SHOW_TABLE)
		err = top_print_table(&t->view, limit);
	else
		draw(t);
	if (t->show != SHOW_SCREEN && (fflush(stdout) || ferror(stdout))) {
		t->torn = true;
		stop(t);
	}
	return err;
}

/* The window that ends now is taken and shown, unless the view is frozen. */
static int turn(struct top *t)
{
	int err = live_close(&t->live, now_us(t));

	if (!err && !t->screen.frozen)
		err = top_view_take(&t->view, &t->live);
	if (!err && (!t->stopping || t->show != SHOW_SCREEN))
		err = show(t);
	live_next(&t->live);
	return err;
}

/* The first window begins when the probes are in place: before, there was nothing to see. */
static void begin_windows(struct top *t)
{
	t->begun = true;
	t->live.from_us = now_us(t);
	t->start_ns = clock_ns(CLOCK_MONOTONIC);
	t->next_ns = t->start_ns + t->interval_ns;
	draw(t);
}

static int tick(struct top *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int err;

	if (t->stopping && now - t->stop_ns > PATIENCE_NS)
		collector_kill(&t->collector);
	if (!t->begun || t->stopping || now < t->next_ns)
		return 0;
	t->next_ns += t->interval_ns;
	if (t->next_ns <= now) /* we were stopped, or late */
		t->next_ns = now + t->interval_ns;
	err = turn(t);
	if (t->o->once)
		stop(t);
	return err;
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* 1: there may be more; 0: it has ended. */
static int on_events(struct top *t)
{
	struct trace_event e;
	ssize_t got = 1;
	int err = 0;

	for (int i = 0; i < READS_MAX && got > 0 && !err; i++) {
		got = pipe_reader_read(&t->feed, t->collector.events);
		if (got > 0 && !t->begun)
			begin_windows(t);
		/* What comes after the last window is not counted. */
		while (got > 0 && !err && pipe_reader_next(&t->feed, &e))
			err = t->stopping ? 0 : live_add(&t->live, &e);
	}
	if (err || (got < 0 && got != -EAGAIN && got != -EINTR))
		return err ? err : (int)got;
	return got != 0;
}

/* Keys such as arrows send "\033[A": the index of the last byte of one that begins at i, which
 * means nothing; else i. An Escape that was pressed comes alone. */
static ssize_t end_of_sequence(const char *s, ssize_t i, ssize_t len)
{
	if (s[i] != '\033' || i + 2 >= len || (s[i + 1] != '[' && s[i + 1] != 'O'))
		return i;
	for (i += 2; i + 1 < len && (s[i] < 0x40 || s[i] > 0x7e); i++)
		;
	return i;
}

static void on_keys(struct top *t)
{
	char typed[64];
	ssize_t got = read(STDIN_FILENO, typed, sizeof(typed));

	for (ssize_t i = 0; i < got; i++) {
		ssize_t end = end_of_sequence(typed, i, got);

		if (end > i)
			i = end;
		else
			top_screen_key(&t->screen, &t->view, typed[i]);
	}
	if (t->screen.quit && !t->stopping)
		stop(t);
	draw(t);
}

static int wait_ms(const struct top *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint64_t ns = !t->begun || t->stopping ? NS_PER_SECOND
		      : t->next_ns > now       ? t->next_ns - now
					       : 0;

	return (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static int loop(struct top *t)
{
	bool typing = t->show == SHOW_SCREEN && isatty(STDIN_FILENO);
	struct pollfd fds[] = {
		{.fd = t->signals, .events = POLLIN},
		{.fd = t->collector.events, .events = POLLIN},
		{.fd = t->collector.messages, .events = POLLIN},
		{.fd = typing ? STDIN_FILENO : -1, .events = POLLIN},
	};
	int err = 0;

	while (err >= 0 && (fds[1].fd >= 0 || fds[2].fd >= 0)) {
		poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(t));
		if (fds[0].revents)
			on_signals(t);
		if (fds[2].revents && !collector_listen(&t->collector))
			fds[2].fd = -1;
		if (t->collector.ready && !t->begun)
			begin_windows(t);
		if (fds[1].revents) {
			err = on_events(t);
			fds[1].fd = err > 0 ? fds[1].fd : -1;
		}
		if (fds[3].fd >= 0 && t->stopping)
			fds[3].fd = -1;
		else if (fds[3].revents)
			on_keys(t);
		err = err < 0 ? err : tick(t);
	}
	return err;
}

/* ---- begin and end ------------------------------------------------------------------------- */

static int read_interval(struct top *t, struct why *w)
{
	double seconds;

	if (!duration_seconds(t->o->interval, &seconds) || seconds < INTERVAL_MIN ||
	    seconds > INTERVAL_MAX)
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--interval takes 0.1 to 3600 seconds, or a duration such as "
				"500ms, not \"%s\"",
				t->o->interval);
	t->interval_ns = (uint64_t)llround(seconds * 1e9);
	return 0;
}

static int prepare(struct top *t, struct why *w)
{
	int err = read_interval(t, w);

	if (!err && !t->o->target.pids.count)
		err = why_exit(w, EXIT_USAGE, -EINVAL,
			       "missing option: --pid PID (see flowctl top --help)");
	if (!err && pipe_reader_init(&t->feed))
		err = why(w, -ENOMEM, "out of memory");
	if (!err)
		err = open_signals(t, w);
	t->real_us = clock_ns(CLOCK_REALTIME) / 1000;
	t->mono_ns = t->start_ns = clock_ns(CLOCK_MONOTONIC);
	live_init(&t->live, t->real_us);
	return err;
}

/* What the collector's end means: its own line and status when it failed. */
static int say_how_it_ended(struct top *t)
{
	int status = t->collector.status;
	struct why w = {0};

	if (WIFSIGNALED(status) && !t->stopping) {
		why(&w, -EIO, "flowtrace-bpf was killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
		return command_fail(&w);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) && !(t->stopping && t->begun)) {
		terminal_line(stderr, "%s",
			      t->collector.last[0] ? t->collector.last
						   : "flowctl: flowtrace-bpf failed");
		return WEXITSTATUS(status);
	}
	if (!t->stopping)
		terminal_line(stderr,
			      "flowctl: the program has ended; %" PRIu64 " events, %" PRIu64
			      " lost",
			      t->live.all_events, t->live.all_lost);
	else if (!t->live.all_events && t->collector.note[0])
		terminal_line(stderr, "flowctl: %s", t->collector.note);
	return EXIT_DONE;
}

/* From the collector's start to its end. */
static int watch(struct top *t, struct why *w)
{
	int err;

	if (t->show == SHOW_SCREEN)
		screen_enter();
	draw(t);
	err = loop(t);
	/* The program's end, in the middle of a window. */
	if (!err && !t->stopping && t->begun && t->show != SHOW_SCREEN)
		err = turn(t);
	screen_leave();
	if (err)
		collector_kill(&t->collector);
	collector_wait(&t->collector);
	return err ? why(w, err, "cannot continue: %s", strerror(-err)) : 0;
}

static void release(struct top *t)
{
	collector_release(&t->collector);
	live_release(&t->live);
	pipe_reader_release(&t->feed);
	top_view_release(&t->view);
	screen_release(&t->screen.screen);
	buf_release(&t->title);
	if (t->signals >= 0)
		close(t->signals);
}

static enum show how_to_show(const struct arguments *a, const struct options *o)
{
	if (a->json)
		return SHOW_JSON;
	return !o->once && screen_is_possible() ? SHOW_SCREEN : SHOW_TABLE;
}

static int run_top(const struct arguments *a)
{
	const struct options *o = a->options;
	struct top t = {
		.o = o,
		.show = how_to_show(a, o),
		.collector = {.events = -1, .messages = -1},
		.view = {.sort = o->sort},
		.signals = -1,
	};
	struct why w = {0};
	int err, status;

	err = prepare(&t, &w);
	if (!err)
		err = top_collector_start(&t.collector, &o->target, &t.title, &w);
	if (!err)
		err = watch(&t, &w);
	status = err ? command_fail(&w) : say_how_it_ended(&t);
	release(&t);
	return status;
}

const struct command command_top = {
	.name = "top",
	.group = COMMANDS_READ,
	.summary = "live view of a running program, by function",
	.about = "Runs flowtrace-bpf on a process and shows for each function, over the last "
		 "interval: the calls that ended, per second; the share of time spent in it "
		 "(total%, recursion counted once), in the function itself without the traced "
		 "functions that it called (self%), and suspended (wait%); the mean and the 95th "
		 "percentile of the durations of the calls that ended; and the calls that ended by "
		 "an exception, per second. 100 % is one thread all of the time. Several threads "
		 "can be more, and so can coroutines in total% and wait%, whose time also runs "
		 "while they are suspended. A call still in progress counts for its share of the "
		 "interval.\n\nKeys: s, t, c, p, e sort by self, total, calls, p95, errors; / "
		 "filters by a part of the name; space freezes the view while counting continues; "
		 "q ends. When standard output is not a terminal, or with --once or --json, a "
		 "table or a JSON object is printed per interval instead.\n\nThe flowtrace-bpf in "
		 "flowctl's own folder is used, else the one in PATH. It needs root; if it fails, "
		 "its message is printed and its exit status returned, see flowtrace-bpf(1). The "
		 "program keeps running when the view ends. Every Python call in the process hits "
		 "a probe.",
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_top,
};
