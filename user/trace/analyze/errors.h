/* SPDX-License-Identifier: MIT */
/*
 * The exceptions of a trace, by type, message and the function where each came up. One that passes
 * through several calls is one exception: a call that is left by what its child was left by has
 * only passed it on.
 */
#ifndef FT_TRACE_ERRORS_H
#define FT_TRACE_ERRORS_H

#include "calls/calls.h"

#define ERRORS_CHAIN 64
#define ERRORS_MAX 10000      /* different ones; more are counted together */
#define ERRORS_TEXT_KEPT 4096 /* bytes of a message */

struct error_group {
	char *type, *message;		       /* owned; "" where not known */
	const struct trace_function *function; /* where it came up; borrowed */
	uint64_t count;
	uint64_t passed; /* calls that it left besides */
	uint64_t first_us, last_us;
	/* The first one. */
	const char *file; /* borrowed */
	uint64_t line;
	char *args, *thread; /* owned */
	uint32_t pid, tid;
	const struct trace_function *chain[ERRORS_CHAIN]; /* the nearest first */
	size_t chain_len;
};

struct errors {
	struct trace_functions functions;
	struct trace_calls calls;
	struct map index;	    /* hash of type and message, function's id -> group, borrowed */
	struct error_group **group; /* owned */
	size_t groups, room;
	uint64_t others; /* exceptions beyond ERRORS_MAX groups */
	uint64_t calls_left;
};

void errors_release(struct errors *s);
/* file must outlive s. 0 or -ENOMEM. */
int errors_add(struct errors *s, const struct trace_event *e, const char *file, uint64_t line);
/* The most frequent first. */
void errors_finish(struct errors *s);

#endif
