/* SPDX-License-Identifier: MIT */
/*
 * One line of a trace, taken apart. Nothing is copied: the texts point into the line and are as
 * they are there, with their escapes; trace_text_put() undoes these when they are needed.
 */
#ifndef FT_TRACE_EVENT_H
#define FT_TRACE_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "ft_runtime.h"

enum trace_kind {
	TRACE_OTHER, /* an event that this reader does not know */
	TRACE_ENTER,
	TRACE_EXIT,
	TRACE_EXCEPTION,
	TRACE_HTTP_REQUEST,
	TRACE_HTTP_RESPONSE,
	TRACE_LOST,
	TRACE_STATE,   /* of the tracer; of no process */
	TRACE_SAMPLED, /* what was left out on purpose; of no process */
	TRACE_RUNTIME =
		TRACE_SAMPLED, /* + enum ft_runtime, of which 0 is none: an event of that kind */
	TRACE_KINDS = TRACE_RUNTIME + FT_RUNTIME_COUNT,
};

/* Is it a line about the trace, and not an event of a process? */
static inline bool trace_is_note(enum trace_kind kind)
{
	return kind == TRACE_LOST || kind == TRACE_STATE || kind == TRACE_SAMPLED;
}

/* Is it a runtime event? Of which enum ft_runtime; FT_RUNTIME_NONE: no. */
static inline enum ft_runtime trace_runtime(enum trace_kind kind)
{
	return kind > TRACE_RUNTIME ? (enum ft_runtime)(kind - TRACE_RUNTIME) : FT_RUNTIME_NONE;
}

/* Between the quotes; UTF-8, valid JSON. s NULL: the field is not there, or null. */
struct trace_text {
	const char *s;
	uint32_t len;
	bool escaped; /* has a backslash */
};

struct trace_event {
	enum trace_kind kind;
	bool lost;	    /* its EXIT was lost: closed later */
	bool has_exception; /* "exception" is there and not null */
	bool left_out;	    /* by trace/filter.h: to be followed, but not to be counted */
	uint32_t pid, tid;
	uint32_t line; /* of the source */
	uint32_t status_code;
	uint64_t timestamp_us, duration_us;
	uint64_t span, parent; /* 0: none */
	uint64_t count;	       /* LOST, SAMPLED */
#define X(kind, event, timed, option, variable, help, numbers) numbers
#define N(name) uint64_t name;
	FT_RUNTIME_EVENTS(X, N) /* numbers of runtime events */
#undef N
#undef X
	uint64_t present; /* bit i: trace_fields[i] is there and not null */
	struct trace_text event, thread, module, function, class_name, method, file;
	struct trace_text args, result; /* the string's content, or any other JSON as it is */
	struct trace_text exc_type, exc_message;
	struct trace_text request_id, path, remote_addr, user_agent;
	struct trace_text reason; /* LOST, STATE */
	struct trace_text state, rule;
	struct trace_text truncated; /* JSON object as it is; s NULL: nothing was cut */
	struct trace_text stack;     /* JSON array as it is */
	struct trace_text full_log_file;
	struct trace_text whole; /* the line itself */
};

/* Where a field of a line goes; in the order in which our lines have them. */
enum trace_field_kind {
	TRACE_FIELD_TEXT,
	TRACE_FIELD_VALUE, /* struct trace_text: a string's content, or other JSON as it is */
	TRACE_FIELD_RAW,   /* struct trace_text: JSON as it is */
	TRACE_FIELD_U64,
	TRACE_FIELD_U32,
	TRACE_FIELD_FLAG,
	TRACE_FIELD_EVENT,
	TRACE_FIELD_EXCEPTION,
	TRACE_FIELD_UNUSED,
};

struct trace_field {
	const char *name;
	uint8_t len; /* of the name */
	enum trace_field_kind kind;
	size_t at; /* offset in struct trace_event */
};

extern const struct trace_field trace_fields[];
extern const size_t trace_field_count;
/* NULL: there is no field of that name. */
const struct trace_field *trace_field_named(const char *name, size_t len);
/* A field that is a number of a runtime event; false: the line has none. */
bool trace_number(const struct trace_event *e, const char *name, uint64_t *ret_number);
extern const char *const trace_kind_names[TRACE_KINDS];

/* Appends the text with its escapes undone; lone surrogates as base/utf8.h has them. */
void trace_text_put(struct buf *b, const struct trace_text *t);
/* Is it this text, once its escapes are undone? */
bool trace_text_is(const struct trace_text *t, const char *s, size_t len);

/* The function's name: `function`, or `method` of those that write no other. */
static inline const struct trace_text *trace_function(const struct trace_event *e)
{
	return e->function.s ? &e->function : &e->method;
}

#endif
