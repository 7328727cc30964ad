/* SPDX-License-Identifier: MIT */
/*
 * What the stages after the ring hand on.
 *
 *     record --decode--> struct event --assemble--> struct span (span.h) --filter--> sinks
 *
 * An event is one record with its names looked up and its values rendered. It is borrowed: it
 * lives until the next call of the stage that made it.
 */
#ifndef FT_EVENT_H
#define FT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ft_runtime.h"
#include "model/policy.h"

/* A rendered field: JSON text (not yet a JSON string), with what was cut from it. */
struct text {
	const char *s; /* borrowed, not NUL-terminated */
	size_t len;
	bool cut;
	size_t original_len; /* length of the whole text when cut and known, else 0 */
	/* The full text of a cut field, if segments are wanted and it is longer; else NULL. */
	const char *full; /* borrowed */
	size_t full_len;
};

enum verdict { VERDICT_UNKNOWN, VERDICT_KEEP, VERDICT_DROP };

/*
 * A function as the trace names it. Owned by the decoder and kept until the trace ends, so
 * spans may point to it. json_* are ready-made pieces of a line.
 */
struct function {
	uint32_t pid;
	uint64_t code; /* its address in the latest record that described it, and when */
	uint64_t described_ns;
	char *module; /* "" when unknown */
	char *name;
	char *qualname;	  /* NULL before 3.11 */
	char *class_name; /* module plus enclosing class path */
	char *filename;
	uint32_t line;
	bool generator; /* generator, coroutine or async generator: may be suspended */
	char **params;
	int nparams;
	const struct policy *policy; /* by which it was accepted; borrowed from the decoder */
	bool more_params;	     /* it has more parameters, whose values are not captured */
	char *json_head;	     /* "module": "m", "function": "f" */
	char *json_tail;	     /* "class": "m.C", "method": "f", "file": "/x.py", "line": 3 */
	enum verdict verdict; /* set by filter/; the decoder renders no value of a dropped one */
	uint32_t left_out;    /* ... why it is dropped, if its calls count: enum ft_left_out */
	bool counted;	      /* set by assemble/: it had a call */
};

/* An HTTP request; plain UTF-8 text. s is NULL where it is not known. */
struct http {
	struct text id, method, path, remote_addr, user_agent;
	unsigned status; /* of the response */
};

struct span_id {
	uint64_t start_ns;
	uint32_t tid;
};

enum event_type {
	EVENT_NONE,	/* a record that only taught the decoder a name, or of an unknown type */
	EVENT_FUNCTION, /* a function was described: function is set */
	EVENT_ENTER,
	EVENT_EXIT,
	EVENT_DROPPED, /* a suspended generator was freed: it stays unfinished */
	EVENT_RAISE,
	EVENT_LOST,
	EVENT_THREAD_EXIT,
	EVENT_PROC_EXIT,
	EVENT_PROC_FORK,
	EVENT_PROC_EXEC,
	EVENT_SESSION,
	EVENT_HTTP_REQUEST,
	EVENT_HTTP_RESPONSE,
	EVENT_RUNTIME,
	EVENT_HTTP_FORGET, /* no call names the request any more */
	EVENT_STATE,
	EVENT_SAMPLED,
};

struct event {
	enum event_type type;
	uint32_t pid, tid;
	uint64_t ts_ns;		   /* CLOCK_MONOTONIC */
	struct function *function; /* FUNCTION, ENTER, EXIT, RAISE; NULL when never described */
	struct span_id span;	   /* ENTER, EXIT, RAISE */
	struct span_id parent;	   /* ENTER, RUNTIME; start_ns 0 at the root */
	bool by_exception;	   /* EXIT */
	struct text value;	   /* ENTER: args object; EXIT: result. JSON text */
	struct text exc_type, exc_message; /* RAISE: plain UTF-8 text, not JSON */
	struct text stack;		   /* RAISE: a JSON array; s is NULL without one */
	uint64_t first_ns, last_ns;	   /* LOST; RUNTIME: first_ns is its start */
	uint64_t count;			   /* LOST, SAMPLED */
	uint32_t reason;		   /* LOST: an enum ft_counter; STATE: ft_state_reason */
	uint32_t other_pid;		   /* PROC_FORK */
	uint32_t kind; /* RUNTIME: enum ft_runtime; STATE: ft_state; SAMPLED: ft_left_out */
	uint64_t number[FT_RUNTIME_VALUES]; /* RUNTIME */
	uint64_t request;		    /* ENTER: 0 = none; HTTP_*: the number of the request */
	const struct http *http;	    /* HTTP_REQUEST; HTTP_RESPONSE: its status alone */
	bool kept;			    /* HTTP_RESPONSE: HTTP_FORGET comes later */
};

#endif
