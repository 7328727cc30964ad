/* SPDX-License-Identifier: MIT */
/*
 * The functions of a trace: each (module, class, name, file, line) once, found by a hash of their
 * texts.
 */
#ifndef FT_TRACE_FUNCTIONS_H
#define FT_TRACE_FUNCTIONS_H

#include "calls/event.h"

struct trace_function {
	uint32_t id, line;
	const char *module, *class_name, *name, *file; /* "" where it is not known */
	void *row;     /* for what counts by function; NULL at first */
	bool suspends; /* a call of it was seen suspended: for calls/stacks.h */
	/* What it is found by. */
	uint64_t hash;
	uint32_t len[4];
	char bytes[];
};

struct trace_functions {
	struct trace_function **all;  /* owned, by id */
	struct trace_function **slot; /* `size` of them, a power of two, half of them free */
	size_t count, size;
	struct buf plain; /* scratch */
};

void trace_functions_release(struct trace_functions *t);
/* The event's function, which lives as long as the table; NULL without memory. */
struct trace_function *trace_functions_of(struct trace_functions *t, const struct trace_event *e);
/* "shop.orders.Order.total": the class path, else the module, and the name. */
void trace_function_label(struct buf *b, const struct trace_function *f);

/* Of bytes; for tables only. */
uint64_t trace_hash(uint64_t seed, const char *s, size_t len);

#endif
