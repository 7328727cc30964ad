/* SPDX-License-Identifier: MIT */
/*
 * A line to a struct trace_event: a whole JSON reader for one line, which knows the fields of
 * FlowTrace and checks all the rest. Fields may come in any order; the last of the same name
 * counts, as for Python's json. Reads nothing outside of the line.
 *
 * Why our own: 2,000,000 lines of tests/flowctl/make_trace.py (787 MiB), all fields taken, on an
 * EPYC with AVX-512, gcc -O2: this 298 ns a line, simdjson 3.0.1 on demand (which checks less of
 * what it passes over) 480 ns, json-c 0.16 2,400 ns. Debian 12 has no yyjson.
 */
#ifndef FT_TRACE_PARSE_H
#define FT_TRACE_PARSE_H

#include "calls/event.h"

enum trace_verdict {
	TRACE_IS_EVENT,
	TRACE_IS_BLANK,	  /* nothing but spaces */
	TRACE_IS_BAD,	  /* an event with a field of the wrong type */
	TRACE_IS_JSON,	  /* JSON, but no FlowTrace event */
	TRACE_IS_NOTHING, /* not JSON */
};

struct trace_fault {
	const char *what;  /* static: "a string does not end" */
	const char *field; /* static: the field that is of the wrong type; else NULL */
	size_t at;	   /* byte of the line, from 0 */
};

/* Deeper JSON is refused: no recursion without a bound. */
#define TRACE_MAX_DEPTH 512

/* Fills e when it returns TRACE_IS_EVENT, else ret_fault. */
enum trace_verdict trace_parse(const char *line, size_t len, struct trace_event *e,
			       struct trace_fault *ret_fault);

#endif
