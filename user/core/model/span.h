/* SPDX-License-Identifier: MIT */
/*
 * What the assembler hands on and sinks take: calls, requests, runtime events, losses, what was
 * left out, and states. Everything is borrowed until the function that was called with it returns.
 * Times are nanoseconds since the Unix epoch.
 */
#ifndef FT_SPAN_H
#define FT_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"
#include "model/workload.h"

/* The exception that left a call. Plain UTF-8 text, not JSON; stack is a JSON array, or its s is
 * NULL. */
struct exception {
	struct text type, message, stack;
};

/* A call: handed on when it begins (end_ns 0) and once more when it is over. */
struct span {
	uint64_t id;
	uint64_t parent;    /* id of the nearest call around it that is traced; 0 = none */
	uint32_t pid;	    /* of the thread where it began, or where it ended */
	uint32_t tid, from; /* from: the thread where it began */
	const char *thread; /* Python's name of thread tid, UTF-8 */
	struct function *function;
	const struct text *request_id;	 /* NULL: the call is made for no request */
	const struct workload *workload; /* of the process; NULL: it is in no container */
	uint64_t start_ns, end_ns;
	struct text args;   /* a JSON object; at the end only where a sink or a filter asked */
	struct text result; /* JSON; of a failed call an object with "exception" */
	unsigned args_limit, result_limit; /* characters at which they were cut; 0 = not kept */
	const struct exception *exception; /* NULL: it returned */
	bool lost;			   /* its real end was lost; end_ns is that of its caller */
	bool unfinished; /* it was still running when its thread, or the trace, ended */
	bool last;	 /* it failed, and --events leaves room for its exception alone */
};

/* An HTTP request: at its begin (end_ns 0) and with its response, which has the status. */
struct request_span {
	uint32_t pid, tid;
	const char *thread;
	uint64_t start_ns, end_ns;
	const struct http *http;	 /* status 0 = not known */
	const struct workload *workload; /* as in struct span */
};

/* What happened in the interpreter, on a thread, and is not a call (ft_runtime.h). */
struct runtime_event {
	uint32_t kind; /* enum ft_runtime */
	uint32_t pid, tid;
	const char *thread;
	uint64_t parent; /* id of the innermost call of the thread that is traced; 0 = none */
	const struct text *request_id;	 /* of that call; NULL: it is made for no request */
	const struct workload *workload; /* as in struct span */
	uint64_t start_ns, end_ns;	 /* the same where it takes no time */
	uint64_t number[FT_RUNTIME_VALUES];
};

/* Events that are not in the trace. */
struct loss {
	uint64_t at_ns;
	uint32_t pid, tid; /* 0 = of no single one */
	uint64_t count;
	const char *reason; /* the name of a counter (ft_counters.h) */
};

/* Calls and requests that are not in the trace because of an option. */
struct left_out {
	uint64_t at_ns;
	uint64_t count;
	const char *rule; /* its name (ft_left_out.h) */
};

/* What the tracer does from now on (ft_state.h). */
struct state_change {
	uint64_t at_ns;
	const char *state, *reason; /* reason NULL: there is none */
};

/* The end may be earlier than the begin if it is the time of an exception. */
static inline uint64_t span_ns(uint64_t start_ns, uint64_t end_ns)
{
	return end_ns > start_ns ? end_ns - start_ns : 0;
}

#endif
