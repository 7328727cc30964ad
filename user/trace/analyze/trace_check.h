/* SPDX-License-Identifier: MIT */
/*
 * Does a trace keep its promises? Every call is opened once and closed once, by an event of the
 * same function; its parent is open when it begins; the lines of a thread are in order; an
 * EXCEPTION is followed by the EXIT of its call; every response has its request.
 *
 * What a trace itself says to be missing (losses, calls and requests that did not end, times
 * between two runs of the tracer) is a note, no fault.
 */
#ifndef FT_TRACE_TRACE_CHECK_H
#define FT_TRACE_TRACE_CHECK_H

#include "calls/calls.h"

enum check_finding {
	/* Faults. */
	CHECK_NOT_OPENED,
	CHECK_OPENED_TWICE,
	CHECK_OTHER_FUNCTION,
	CHECK_NO_PARENT,
	CHECK_NO_SPAN,
	CHECK_ORDER,
	CHECK_EXCEPTION_ALONE,
	CHECK_RESPONSE_ALONE,
	/* Notes. */
	CHECK_NOTES,
	CHECK_LOST_EXIT = CHECK_NOTES,
	CHECK_UNFINISHED,
	CHECK_UNANSWERED,
	CHECK_ATTACHED_AGAIN,
	CHECK_FINDINGS,
};

extern const char *const check_names[CHECK_FINDINGS]; /* for programs: "notOpened" */
extern const char *const check_texts[CHECK_FINDINGS];

struct check_place {
	const char *file; /* borrowed */
	uint64_t line;
};

#define CHECK_PLACES 3

struct check_count {
	uint64_t count;
	struct check_place place[CHECK_PLACES]; /* the first ones; line 0: no more */
};

/* Losses by reason; those of more than CHECK_REASONS reasons are in the last. */
#define CHECK_REASONS 64
struct check_loss {
	char reason[64];
	uint64_t count;
};

struct trace_check {
	struct trace_functions functions;
	struct trace_calls calls;
	struct map threads;  /* (pid, tid) -> struct check_thread, owned */
	struct map requests; /* hash of the id -> struct check_request, owned */
	struct check_count finding[CHECK_FINDINGS];
	struct check_loss loss[CHECK_REASONS];
	size_t losses;
	uint64_t sampled; /* left out on purpose: the counts of SAMPLED */
	bool state_seen;  /* a STATE line */
	uint64_t events[TRACE_KINDS];
};

void trace_check_release(struct trace_check *c);
/* file must outlive c. 0 or -ENOMEM. */
int trace_check_add(struct trace_check *c, const struct trace_event *e, const char *file,
		    uint64_t line);
/* Counts what is still open. */
void trace_check_finish(struct trace_check *c);
/* Were there no faults, and with `strict` no notes and no losses either? */
bool trace_check_holds(const struct trace_check *c, bool strict);

#endif
