/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "calls/durations.h"
#include "analyze/slowest.h"

int slowest_init(struct slowest *s, size_t most)
{
	*s = (struct slowest){0};
	return top_n_init(&s->longest, most, sizeof(struct slow_call));
}

static void release_call(struct slow_call *call)
{
	buf_release(&call->thread);
	buf_release(&call->args);
	buf_release(&call->exception);
	buf_release(&call->request_id);
}

void slowest_release(struct slowest *s)
{
	for (size_t i = 0; i < s->longest.count; i++)
		release_call(top_n_at(&s->longest, i));
	top_n_release(&s->longest);
	trace_calls_release(&s->calls);
	stacks_release(&s->stacks);
	trace_functions_release(&s->functions);
}

static void put_text(struct buf *b, const struct trace_text *t)
{
	buf_clear(b);
	if (t->s)
		trace_text_put(b, t);
}

static void put_exception(struct slow_call *to, const struct trace_event *e)
{
	struct buf message = {0};

	put_text(&to->exception, &e->exc_type);
	put_text(&message, &e->exc_message);
	if (to->exception.len && message.len)
		BUF_LITERAL(&to->exception, ": ");
	if (message.len)
		buf_add(&to->exception, message.s, message.len);
	buf_release(&message);
}

/* Fills the place with what there is to know; its buffers are used again. */
static int describe(struct slowest *s, struct slow_call *to, const struct trace_event *e,
		    const struct trace_call *call, const char *file, uint64_t line)
{
	to->duration_us = e->duration_us;
	to->start_us = call->entered			  ? call->start_us
		       : e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us
							  : 0;
	to->self_us = call->self_us;
	to->wait_us = call->wait_us;
	to->span = e->span;
	to->function = call->function;
	to->pid = e->pid;
	to->tid = e->tid;
	to->file = file;
	to->line = line;
	to->lost = e->lost;
	to->chain_len = trace_calls_chain(&s->calls, call, to->chain, SLOWEST_CHAIN);
	put_text(&to->thread, &e->thread);
	put_text(&to->request_id, &e->request_id);
	put_exception(to, e);
	buf_clear(&to->args);
	if (call->args.len)
		buf_add(&to->args, call->args.s, call->args.len);
	return to->thread.failed || to->args.failed || to->exception.failed || to->request_id.failed
		       ? -ENOMEM
		       : 0;
}

static int consider(struct slowest *s, const struct trace_event *e, const struct trace_call *call,
		    const char *file, uint64_t line)
{
	struct slow_call *to = e->left_out ? NULL : top_n_take(&s->longest, e->duration_us);

	return to ? describe(s, to, e, call, file, line) : 0;
}

static int begin_call(struct slowest *s, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_begin(&s->calls, &s->functions, e);

	return call ? stacks_begin(&s->stacks, &s->calls, call, e) : -ENOMEM;
}

int slowest_add(struct slowest *s, const struct trace_event *e, const char *file, uint64_t line)
{
	struct trace_call *call = trace_calls_find(&s->calls, e->span);
	struct trace_call unnumbered = {.parent = e->parent, .self_us = e->duration_us};
	int err;

	if (e->kind == TRACE_ENTER)
		return call || !e->span ? 0 : begin_call(s, e);
	if (e->kind != TRACE_EXIT)
		return 0;
	if (!call) {
		unnumbered.function = trace_functions_of(&s->functions, e);
		return unnumbered.function ? consider(s, e, &unnumbered, file, line) : -ENOMEM;
	}
	err = stacks_end(&s->stacks, &s->calls, call, e);
	if (!err)
		err = consider(s, e, call, file, line);
	trace_calls_close(&s->calls, call);
	return err;
}

void slowest_finish(struct slowest *s)
{
	top_n_finish(&s->longest);
}
