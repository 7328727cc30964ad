/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "read/reader.h"

#define BOM "\xef\xbb\xbf"

struct trace_reader {
	const char *const *paths; /* borrowed */
	size_t count, next;	  /* next: the path to open when this one is over */
	struct trace_input_options options;
	struct trace_input *in; /* NULL: none is open */
	struct trace_lines lines;
	struct trace_report report;
	const char *file;
	uint64_t size_before, size_all; /* bytes of the files before this one, and of all */
	bool binary;			/* the first bad line has bytes that no text has */
	bool json;			/* some bad line was JSON */
};

/* All of them, or 0 where one has no size. */
static uint64_t size_of_all(const char *const *paths, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++) {
		struct stat st;

		if (!strcmp(paths[i], "-") || stat(paths[i], &st) || !S_ISREG(st.st_mode))
			return 0;
		sum += (uint64_t)st.st_size;
	}
	return sum;
}

static void close_file(struct trace_reader *r)
{
	if (!r->in)
		return;
	if (trace_input_is_cut(r->in) && !r->report.torn_file) {
		r->report.torn_file = r->file;
		r->report.torn_line = r->lines.number;
	}
	r->size_before += trace_input_size(r->in);
	trace_lines_release(&r->lines);
	trace_input_free(r->in);
	r->in = NULL;
}

static int open_next(struct trace_reader *r, struct why *w)
{
	int err = trace_input_open(r->paths[r->next], &r->options, &r->in, w);

	if (err)
		return err;
	r->next++;
	r->file = trace_input_name(r->in);
	return trace_lines_init(&r->lines, r->in, w);
}

int trace_reader_open(const char *const *paths, size_t count, const struct trace_input_options *o,
		      struct trace_reader **ret_reader, struct why *w)
{
	struct trace_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return why(w, -ENOMEM, "out of memory");
	r->paths = paths;
	r->count = count;
	r->options = *o;
	r->size_all = size_of_all(paths, count);
	/* The first at once: a wrong name should be said before anything is done. */
	err = open_next(r, w);
	if (err) {
		trace_reader_free(r);
		return err;
	}
	*ret_reader = r;
	return 0;
}

void trace_reader_free(struct trace_reader *r)
{
	if (!r)
		return;
	close_file(r);
	free(r);
}

static bool has_binary(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 && !strchr("\t\r\n\f\x1b", s[i] ? s[i] : 1))
			return true;
	return false;
}

static void describe(char *to, size_t size, enum trace_verdict verdict, const struct trace_fault *f)
{
	if (f->field)
		snprintf(to, size, "\"%s\" %s (byte %zu)", f->field, f->what, f->at + 1);
	else if (verdict == TRACE_IS_NOTHING)
		snprintf(to, size, "not JSON: %s (byte %zu)", f->what, f->at + 1);
	else
		snprintf(to, size, "no FlowTrace event: %s", f->what);
}

static void count_bad(struct trace_reader *r, const struct trace_line *l,
		      enum trace_verdict verdict, const struct trace_fault *f)
{
	struct trace_report *report = &r->report;

	r->json |= verdict != TRACE_IS_NOTHING;
	/* A torn line is only told of when there is no worse. */
	if (!report->bad_why[0] || (!report->bad && !l->torn)) {
		describe(report->bad_why, sizeof(report->bad_why), verdict, f);
		report->bad_file = r->file;
		report->bad_line = r->lines.number;
		r->binary = has_binary(l->s, l->len);
	}
	if (l->torn) {
		report->torn_file = r->file;
		report->torn_line = r->lines.number;
	} else {
		report->bad++;
	}
}

/* Does the line hold an event for the caller? */
static bool take_line(struct trace_reader *r, struct trace_line *l, struct trace_event *e)
{
	struct trace_fault fault = {"it is longer than 16 MiB", NULL, TRACE_MAX_LINE};
	enum trace_verdict verdict = TRACE_IS_NOTHING;

	r->report.lines++;
	if (r->lines.number == 1 && l->len >= 3 && !memcmp(l->s, BOM, 3)) {
		l->s += 3;
		l->len -= 3;
	}
	if (!l->too_long)
		verdict = trace_parse(l->s, l->len, e, &fault);
	if (verdict == TRACE_IS_EVENT) {
		r->report.events += e->kind != TRACE_OTHER;
		r->report.other += e->kind == TRACE_OTHER;
		return true;
	}
	if (verdict != TRACE_IS_BLANK)
		count_bad(r, l, verdict, &fault);
	return false;
}

/* Nothing of it was an event: what is it? */
static int refuse(const struct trace_reader *r, struct why *w)
{
	const struct trace_report *report = &r->report;
	const char *file = report->bad_file ? report->bad_file : r->file;

	if (report->other)
		return why(w, -EINVAL, "%s has JSON with an \"event\", but none of FlowTrace's",
			   file);
	if (!report->bad_why[0])
		return why(w, -ENODATA, "%s is empty: it has no events", file);
	if (r->binary)
		return why(w, -EINVAL,
			   "%s looks binary: a trace is JSON lines, plain, gzip or zstd", file);
	if (r->json)
		return why(w, -EINVAL,
			   "%s is JSON, but not a trace of FlowTrace: line %" PRIu64 ": %s", file,
			   report->bad_line, report->bad_why);
	if (!report->bad)
		return why(w, -EINVAL, "%s has only a part of a line: line %" PRIu64 ": %s", file,
			   report->bad_line, report->bad_why);
	return why(w, -EINVAL, "%s is not a trace: line %" PRIu64 ": %s", file, report->bad_line,
		   report->bad_why);
}

int trace_reader_next(struct trace_reader *r, struct trace_event *e, struct why *w)
{
	struct trace_line line;
	int got;

	while (r->in || r->next < r->count) {
		if (!r->in) {
			got = open_next(r, w);
			if (got)
				return got;
		}
		got = trace_lines_next(&r->lines, &line, w);
		if (got < 0)
			return got;
		if (!got)
			close_file(r);
		else if (take_line(r, &line, e))
			return 1;
	}
	return r->report.events ? 0 : refuse(r, w);
}

const struct trace_report *trace_reader_report(const struct trace_reader *r)
{
	return &r->report;
}

const char *trace_reader_file(const struct trace_reader *r)
{
	return r->file;
}

uint64_t trace_reader_line(const struct trace_reader *r)
{
	return r->lines.number;
}

double trace_reader_progress(const struct trace_reader *r)
{
	if (!r->size_all)
		return -1;
	return (double)(r->size_before + (r->in ? trace_input_offset(r->in) : 0)) /
	       (double)r->size_all;
}
