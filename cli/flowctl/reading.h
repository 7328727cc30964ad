/* SPDX-License-Identifier: MIT */
/*
 * What commands that read traces have in common: the traces named on the command line (standard
 * input when there are none and it is no terminal is never guessed: name it "-"), --follow until
 * Ctrl-C, progress, and what there is to say about lines that are no events.
 */
#ifndef FT_READING_H
#define FT_READING_H

#include "command.h"
#include "json_out.h"
#include "progress.h"
#include "trace/reader.h"

/* The row of --follow; the field is a bool. */
#define READING_FOLLOW(type, field)                                                                \
	{                                                                                          \
		"follow", 'f', VALUE_SWITCH, OPTION_AT(type, field), NULL, NULL,                   \
			"at the end of the trace wait for more, until Ctrl-C", 0, 0                \
	}

#define READING_ABOUT                                                                              \
	"A TRACE is a file of FlowTrace's JSON lines, plain or packed with gzip or zstd, or - "    \
	"for standard input. Several are read one after another. Lines that are no events are "    \
	"counted and passed over."

struct reading {
	struct trace_reader *reader;
	struct progress progress;
	uint64_t count;
};

/* All operands, from the one of this index on. 0 or -errno. */
int reading_open(struct reading *r, const struct arguments *a, size_t first, bool follow,
		 struct why *w);
/* 1 with an event, 0 at the end, -errno. */
int reading_next(struct reading *r, struct trace_event *e, struct why *w);
/* After the last event: says on standard error what was no event. */
void reading_notes(struct reading *r);
/* The same as members of the JSON object that is being written. */
void reading_put(struct json_out *j, const struct reading *r);
void reading_close(struct reading *r);

#endif
