/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "reading.h"
#include "terminal.h"

#define PROGRESS_EVERY 16384 /* events, a power of two */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

const volatile sig_atomic_t *reading_catch_interrupt(void)
{
	struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return &interrupted;
}

int reading_open(struct reading *r, const struct arguments *a, size_t first, bool follow,
		 struct why *w)
{
	struct trace_input_options options = {.follow = follow, .stop = &interrupted};

	*r = (struct reading){0};
	if (follow)
		reading_catch_interrupt();
	progress_start(&r->progress);
	return trace_reader_open(a->operand + first, a->noperands - first, &options, &r->reader, w);
}

int reading_where(struct reading *r, const char *condition, struct why *w)
{
	return condition ? trace_filter_init(&r->filter, condition, w) : 0;
}

int reading_next(struct reading *r, struct trace_event *e, struct why *w)
{
	int got = trace_reader_next(r->reader, e, w);

	if (!(r->count++ & (PROGRESS_EVERY - 1)))
		progress_show(&r->progress, trace_reader_progress(r->reader),
			      trace_reader_report(r->reader)->lines);
	if (got <= 0)
		progress_clear(&r->progress);
	if (got > 0 && trace_filter_event(&r->filter, e))
		return why(w, -ENOMEM, "out of memory");
	return got;
}

void reading_note_given_up(uint64_t count)
{
	if (count)
		terminal_line(stderr,
			      "flowctl: %" PRIu64
			      " texts took too long to search and count as not found: "
			      "simplify the regular expression",
			      count);
}

void reading_notes(struct reading *r)
{
	const struct trace_report *report = trace_reader_report(r->reader);

	uint64_t given_up = r->filter.where ? where_given_up(r->filter.where) : 0;

	progress_clear(&r->progress);
	reading_note_given_up(given_up);
	if (report->bad)
		terminal_line(stderr,
			      "flowctl: %" PRIu64 " of %" PRIu64
			      " lines are not events and were skipped; the first is line %" PRIu64
			      " of %s: %s",
			      report->bad, report->lines, report->bad_line, report->bad_file,
			      report->bad_why);
	if (report->torn_file)
		terminal_line(stderr,
			      "flowctl: %s ends in the middle of an event, at line %" PRIu64
			      ": cut off, or still being written",
			      report->torn_file, report->torn_line);
}

void reading_put(struct json_out *j, const struct reading *r)
{
	const struct trace_report *report = trace_reader_report(r->reader);

	json_u64(j, "lines", report->lines);
	json_u64(j, "events", report->events);
	json_u64(j, "otherEvents", report->other);
	json_u64(j, "badLines", report->bad);
	if (report->bad) {
		json_begin(j, "firstBadLine", '{');
		json_text(j, "file", report->bad_file);
		json_u64(j, "line", report->bad_line);
		json_text(j, "why", report->bad_why);
		json_end(j, '}');
	}
	json_flag(j, "torn", report->torn_file != NULL);
}

void reading_close(struct reading *r)
{
	progress_clear(&r->progress);
	trace_reader_free(r->reader);
	trace_filter_release(&r->filter);
}

int reading_all(struct reading *r,
		int (*add)(void *, const struct trace_event *, const struct reading *), void *state,
		struct why *w)
{
	struct trace_event e;
	int got = 0, err = 0;

	while (!err && (got = reading_next(r, &e, w)) > 0)
		err = add(state, &e, r);
	return got < 0 ? got : err;
}

int reading_run(const struct reading_steps *steps, void *state, const struct arguments *a,
		bool follow, const char *where, struct why *w)
{
	struct reading r;
	int err = reading_open(&r, a, 0, follow, w);

	if (!err)
		err = reading_where(&r, where, w);
	if (!err)
		err = reading_all(&r, steps->add, state, w);
	if (!err)
		err = steps->finish(state);
	if (!err) {
		reading_notes(&r);
		err = steps->print(state, &r, a);
	}
	reading_close(&r);
	return err;
}
