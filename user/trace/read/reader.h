/* SPDX-License-Identifier: MIT */
/*
 * The events of one or more traces, one after another. Lines that are none are counted, and the
 * first of them is remembered; only when nothing at all is an event is that an error.
 */
#ifndef FT_TRACE_READER_H
#define FT_TRACE_READER_H

#include "read/input.h"
#include "read/lines.h"
#include "read/parse.h"

struct trace_report {
	uint64_t lines;	 /* all, blank ones too */
	uint64_t events; /* of the kinds of FlowTrace */
	uint64_t other;	 /* of another kind */
	uint64_t bad;	 /* lines that are not events */
	/* The first of the bad ones. */
	const char *bad_file;
	uint64_t bad_line;
	char bad_why[160];
	/* A file that ends within a line, or within compressed data; NULL: none does. */
	const char *torn_file;
	uint64_t torn_line;
};

struct trace_reader; /* opaque */

/* The paths must outlive the reader. */
int trace_reader_open(const char *const *paths, size_t count, const struct trace_input_options *o,
		      struct trace_reader **ret_reader, struct why *w);
void trace_reader_free(struct trace_reader *r);
/* 1 with an event, which lives until the next call; 0 at the end; -errno. */
int trace_reader_next(struct trace_reader *r, struct trace_event *e, struct why *w);

const struct trace_report *trace_reader_report(const struct trace_reader *r);
/* Where the last event stood. */
const char *trace_reader_file(const struct trace_reader *r);
uint64_t trace_reader_line(const struct trace_reader *r);
/* 0 to 1: how much is read; below 0: not known. */
double trace_reader_progress(const struct trace_reader *r);

#endif
