/* SPDX-License-Identifier: MIT */
/*
 * Events to spans: numbers the calls, pairs their begins and ends, ends a call that an exception
 * left at the time of that exception, closes calls whose end was lost, and counts what stays
 * unfinished. It also pairs HTTP requests with their responses and gives each call the id of its
 * request.
 */
#ifndef FT_ASSEMBLE_H
#define FT_ASSEMBLE_H

#include "base/why.h"
#include "model/span.h"

struct assembler;

struct assembler_options {
	uint64_t anchor_mono_ns, anchor_real_ns; /* the same moment on both clocks */
	uint64_t span_base;			 /* random high bits of span numbers, below 2^53 */
	unsigned max_arg_length;		 /* for truncatedFields */
	bool args, result;
	bool full_texts; /* the whole text of a cut result is wanted too */
	bool keep_args;	 /* the end of a call has its arguments too */
	const char *(*thread_name)(void *arg, uint32_t pid, uint32_t tid);
	/* The container and pod of a process; NULL: it is in none. The function may be NULL. */
	const struct workload *(*workload)(void *arg, uint32_t pid);
	/* Is this function kept? Asked when a call begins. A dropped call is not handed on, and the
	 * parent of its callees is the nearest kept call. NULL = keep all. */
	bool (*keep)(void *arg, struct function *f);
	/* Is there room for a begin (begins), or for an end? If not, the call is lost and counted
	 * as sink_full. NULL = always. */
	bool (*room)(void *arg, bool begins);
	/* Called in order. A negative result stops the assembler and is passed on; a positive one
	 * means that the span was not taken because the trace has ended. */
	int (*begin)(void *arg, const struct span *s);
	int (*end)(void *arg, const struct span *s);
	int (*request)(void *arg, const struct request_span *r);
	int (*runtime)(void *arg, const struct runtime_event *r);
	int (*lost)(void *arg, const struct loss *l);
	int (*left_out)(void *arg, const struct left_out *l);
	int (*state)(void *arg, const struct state_change *s);
	void *arg;
};

int assembler_new(const struct assembler_options *o, struct assembler **ret_assembler);
void assembler_free(struct assembler *a);
/* The clock anchor of a recording's session record. */
void assembler_set_anchor(struct assembler *a, uint64_t mono_ns, uint64_t real_ns);
/* The limits with which the recording's values were captured. */
void assembler_set_limits(struct assembler *a, unsigned max_arg_length, bool args, bool result);
int assembler_event(struct assembler *a, const struct event *e);
/* Ends the trace at end_ns (CLOCK_MONOTONIC; 0 = time of the last event). Calls that are still open
 * are unfinished. */
int assembler_finish(struct assembler *a, uint64_t end_ns);

struct assembler_stats {
	uint64_t enters, exits, exceptions; /* handed on: begins, ends, and how many failed */
	uint64_t requests, responses;	    /* ... of HTTP */
	uint64_t runtime;		    /* runtime events */
	uint64_t lost;			    /* sum of the counts of losses */
	uint64_t unfinished;		    /* calls and requests */
	uint64_t functions;		    /* different functions kept */
};
void assembler_stats(const struct assembler *a, struct assembler_stats *ret_stats);

#endif
