/* SPDX-License-Identifier: MIT */
/*
 * How a function, a moment, a thread and a chain of callers are shown, in text and in JSON.
 */
#ifndef FT_DESCRIBE_H
#define FT_DESCRIBE_H

#include "json_out.h"
#include "calls/functions.h"

/* Members "module", "class", "function", "file", "line". */
void describe_put_identity(struct json_out *j, const struct trace_function *f);
/* The same after "name". */
void describe_put_function(struct json_out *j, const struct trace_function *f);
/* An array of "name (file:line)", the nearest caller first. */
void describe_put_chain(struct json_out *j, const char *key,
			const struct trace_function *const *chain, size_t len);

/* "name  file:line" and a newline. */
void describe_print_function(const struct trace_function *f);
/* An indented line "title text", cut to the terminal; nothing for an empty text. */
void describe_print_field(const char *title, const char *s, size_t len);
/* Indented lines of callers, the nearest first; the middle of a long chain is left out. */
void describe_print_chain(const struct trace_function *const *chain, size_t len);
/* " in MainThread (pid 1, tid 1)". */
void describe_print_thread(const char *name, size_t len, uint32_t pid, uint32_t tid);
/* Local time, to the microsecond. */
void describe_print_time(uint64_t us);
/* Safe text, cut to the terminal's width less `used`, and a newline. */
void describe_print_cut(const char *s, size_t len, size_t used);

#endif
