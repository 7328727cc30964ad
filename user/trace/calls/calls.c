/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "base/utf8.h"
#include "calls/calls.h"

/* What a call that is used again keeps of its buffer. */
#define KEPT_BYTES (2 * TRACE_ARGS_KEPT)

static void free_call(void *arg, struct trace_call *call)
{
	buf_release(&call->args);
	free(call);
}

void trace_calls_release(struct trace_calls *c)
{
	struct trace_call *next;

	trace_calls_each(c, free_call, NULL);
	map_release(&c->open);
	for (; c->free; c->free = next) {
		next = c->free->next_free;
		free_call(NULL, c->free);
	}
}

static struct trace_call *take_free(struct trace_calls *c)
{
	struct trace_call *call = c->free;

	if (call)
		c->free = call->next_free;
	else
		call = calloc(1, sizeof(*call));
	return call;
}

struct trace_call *trace_calls_open(struct trace_calls *c, const struct trace_event *e)
{
	struct trace_call *call = take_free(c);
	struct buf args;

	if (!call)
		return NULL;
	args = call->args;
	args.len = 0;
	*call = (struct trace_call){
		.span = e->span,
		.parent = e->parent,
		.start_us = e->timestamp_us,
		.pid = e->pid,
		.tid = e->tid,
		.entered = e->kind == TRACE_ENTER,
		.left_out = e->left_out,
		.args = args,
	};
	if (map_put(&c->open, e->span, 0, call, NULL)) {
		free_call(NULL, call);
		return NULL;
	}
	return call;
}

struct trace_call *trace_calls_begin(struct trace_calls *c, struct trace_functions *f,
				     const struct trace_event *e)
{
	struct trace_function *function = trace_functions_of(f, e);
	struct trace_call *call = function ? trace_calls_open(c, e) : NULL;

	if (!call)
		return NULL;
	call->function = function;
	if (e->args.s)
		trace_text_put(&call->args, &e->args);
	call->args.len = utf8_fit(call->args.s, call->args.len, TRACE_ARGS_KEPT);
	return call;
}

size_t trace_calls_chain(const struct trace_calls *c, const struct trace_call *call,
			 const struct trace_function **ret_functions, size_t most)
{
	size_t n = 0;

	/* A hostile trace may have calls that are their own ancestors: hence the bound. */
	while (n < most && (call = trace_calls_find(c, call->parent)))
		ret_functions[n++] = call->function;
	return n;
}

void trace_calls_close(struct trace_calls *c, struct trace_call *call)
{
	map_take(&c->open, call->span, 0);
	if (call->args.cap > KEPT_BYTES)
		buf_release(&call->args);
	call->next_free = c->free;
	c->free = call;
}

void trace_calls_each(const struct trace_calls *c, void (*fn)(void *arg, struct trace_call *call),
		      void *arg)
{
	for (size_t i = 0; i < c->open.size; i++)
		if (c->open.slot[i].value)
			fn(arg, c->open.slot[i].value);
}
