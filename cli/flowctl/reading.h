/* SPDX-License-Identifier: MIT */
/*
 * What commands that read traces have in common: the traces named on the command line (standard
 * input when there are none and it is not a terminal is never guessed: name it "-"), --follow until
 * Ctrl-C, progress, and what there is to say about lines that are not events.
 */
#ifndef FT_READING_H
#define FT_READING_H

#include <signal.h>

#include "command.h"
#include "json_out.h"
#include "progress.h"
#include "select/filter.h"
#include "read/reader.h"

/* The row of --follow; the field is a bool. */
#define READING_FOLLOW(type, field)                                                                \
	{                                                                                          \
		.name = "follow", .letter = 'f', .kind = VALUE_SWITCH,                             \
		.at = OPTION_AT(type, field),                                                      \
		.help = "wait for more at the end of the trace, until Ctrl-C"                      \
	}

/* The row of --where; the field is a const char *. */
#define READING_WHERE(type, field)                                                                 \
	{                                                                                          \
		.name = "where", .letter = 'w', .kind = VALUE_TEXT, .at = OPTION_AT(type, field),  \
		.value = "COND",                                                                   \
		.help = "only what matches, such as durationMicros>1ms and module=shop.*"          \
	}

/* How a condition is written; for the commands that have --where. */
#define READING_WHERE_ABOUT                                                                        \
	"COND compares event fields by their JSON names: = and != (with the wildcards *"           \
	" and ? for text), ~ and !~ (regular expression), <, <=, > and >= (times take "            \
	"ns, us, ms, s, m, h). A bare field name tests that the field is present. and, "           \
	"or, not and parentheses join conditions. exception.type, exception.message, "             \
	"args.NAME and result.NAME look inside of a field. Put text with spaces or "               \
	"parentheses in quotes."

/* What self and wait are: see calls/stacks.h. */
#define STACKS_ABOUT                                                                               \
	"A suspended generator or coroutine does not run: its wait time grows and its "            \
	"self time does not, while its total time is from beginning to end. A trace has"           \
	" no line for a suspension; it is inferred from the other lines of the thread: "           \
	"a call is on the thread's stack until a line shows that something else runs, "            \
	"and what it did since its last line then counts as waiting. The self times of "           \
	"a thread together are never more than its time."

#define READING_WHERE_COUNTS                                                                       \
	"--where COND counts only the calls that match COND. All events of a call are "            \
	"considered together; durations are not changed."

#define READING_ABOUT                                                                              \
	"A TRACE is a file of FlowTrace's JSON lines, plain or packed with gzip or "               \
	"zstd, or - for standard input. Several are read one after another. Lines that "           \
	"are not events are counted and skipped."

struct reading {
	struct trace_reader *reader;
	struct progress progress;
	struct trace_filter filter;
	uint64_t count;
};

/* The first Ctrl-C (or SIGTERM) ends the reading, a second one the program. Returns what becomes
 * other than 0 then. */
const volatile sig_atomic_t *reading_catch_interrupt(void);
/* All operands, from the one of this index on. 0 or -errno. */
int reading_open(struct reading *r, const struct arguments *a, size_t first, bool follow,
		 struct why *w);
/* From now on events that this condition is not true of have left_out set; NULL: none. */
int reading_where(struct reading *r, const char *condition, struct why *w);
/* 1 with an event, 0 at the end, -errno. */
int reading_next(struct reading *r, struct trace_event *e, struct why *w);
/* Says on standard error how many searches were given up; nothing for 0. */
void reading_note_given_up(uint64_t count);
/* After the last event: says on standard error which lines were not events. */
void reading_notes(struct reading *r);
/* The same as members of the JSON object that is being written. */
void reading_put(struct json_out *j, const struct reading *r);
void reading_close(struct reading *r);

/* ---- a command that reads all, then prints ------------------------------------------------ */

/* What it does with its own state. All return 0 or -errno; 0 from those that cannot fail. */
struct reading_steps {
	int (*add)(void *state, const struct trace_event *e, const struct reading *r);
	int (*finish)(void *state);
	int (*print)(void *state, const struct reading *r, const struct arguments *a);
};

/* Adds every event that is left. */
int reading_all(struct reading *r,
		int (*add)(void *, const struct trace_event *, const struct reading *), void *state,
		struct why *w);
/* Opens, adds all, finishes, says which lines were not events, prints, closes. where: NULL = none.
 */
int reading_run(const struct reading_steps *steps, void *state, const struct arguments *a,
		bool follow, const char *where, struct why *w);

#endif
