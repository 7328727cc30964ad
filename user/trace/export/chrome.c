/* SPDX-License-Identifier: MIT */
/*
 * Chrome's Trace Event Format, as Perfetto and chrome://tracing read it.
 *
 * A thread's track shows what ran on it (trace/running.h), as X events, which always nest. A call
 * that was suspended (a generator, a coroutine) is there in several pieces; from its first to its
 * last moment it is a track of its own, b and e. So are HTTP requests, and calls that began before
 * the trace. A runtime event that takes time is among the calls of its thread, X.
 *
 * Readers sort by time and take what begins first for the outer call, so that no two moments of a
 * thread may be the same: those of one microsecond are told apart by nanoseconds. For the same
 * reason times count from a minute before the first event on: a double has no nanoseconds of this
 * century.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "base/runtime_kind.h"
#include "export/export.h"
#include "calls/timeline.h"

#define EARLIER_US 60000000 /* a minute */

struct chrome {
	struct export_to *to;
	struct timeline running;
	struct map processes; /* pid, 1 -> anything: its name is written */
	struct buf text;      /* scratch */
	bool started;
	uint64_t first_us, last_us;
	struct export_notes notes;
};

/* The last moment that its track knows, in nanoseconds. */
struct chrome_thread {
	uint64_t now_ns;
};

static void put_string(struct buf *b, const char *key, const char *s, size_t len)
{
	buf_str(b, key);
	json_string(b, s ? s : "", len);
}

static void put_number(struct buf *b, const char *key, uint64_t n)
{
	buf_str(b, key);
	buf_u64(b, n);
}

static void put_text(struct chrome *c, const char *key, const struct trace_text *t)
{
	buf_clear(&c->text);
	if (t->s)
		trace_text_put(&c->text, t);
	put_string(&c->to->b, key, c->text.s, c->text.len);
}

static uint64_t ns_of(const struct chrome *c, uint64_t us)
{
	uint64_t since = us > c->first_us ? us - c->first_us : 0;

	return since < UINT64_MAX / 2000 ? since * 1000 : UINT64_MAX / 2;
}

/* "12.003" */
static void put_us(struct buf *b, const char *key, uint64_t ns)
{
	char fraction[8];

	put_number(b, key, ns / 1000);
	snprintf(fraction, sizeof(fraction), ".%03u", (unsigned)(ns % 1000));
	if (ns % 1000)
		buf_str(b, fraction);
}

/* The next moment of the thread, not before this one */
static uint64_t next_ns(const struct chrome *c, struct running_thread *t, uint64_t us)
{
	struct chrome_thread *row = t->row;
	uint64_t ns = ns_of(c, us);

	row->now_ns = ns > row->now_ns ? ns : row->now_ns + 1;
	return row->now_ns;
}

/* {"ph": "X", "pid": 1, "tid": 2, "ts": 3 */
static void begin_object(struct chrome *c, const char *phase, uint32_t pid, uint32_t tid,
			 uint64_t ns)
{
	struct buf *b = &c->to->b;

	buf_str(b, ",\n{\"ph\": \"");
	buf_str(b, phase);
	put_number(b, "\", \"pid\": ", pid);
	put_number(b, ", \"tid\": ", tid);
	put_us(b, ", \"ts\": ", ns);
}

static void put_label(struct chrome *c, const struct trace_function *f)
{
	buf_clear(&c->text);
	trace_function_label(&c->text, f);
	put_string(&c->to->b, ", \"name\": ", c->text.s, c->text.len);
}

static void put_id(struct buf *b, const char *category, uint64_t id)
{
	char hex[NUMBER_MAX];

	BUF_LITERAL(b, ", \"cat\": \"");
	buf_str(b, category);
	BUF_LITERAL(b, "\", \"id\": \"0x");
	buf_add(b, hex, (size_t)(number_hex(hex, id) - hex));
	buf_char(b, '"');
}

/* After a member of args, or as the first one. */
static void put_place(struct buf *b, const struct trace_function *f)
{
	put_string(b, "\"file\": ", f->file, f->len[3]);
	put_number(b, ", \"line\": ", f->line);
}

static void put_result(struct chrome *c, const struct trace_event *e)
{
	struct buf *b = &c->to->b;

	put_number(b, ", \"durationMicros\": ", e->duration_us);
	if (e->result.s)
		put_text(c, ", \"result\": ", &e->result);
	if (e->has_exception) {
		put_text(c, ", \"exception\": ", &e->exc_type);
		put_text(c, ", \"message\": ", &e->exc_message);
	}
	if (e->lost)
		BUF_LITERAL(b, ", \"lost\": true");
}

/* From the first to the last moment of a call, besides its thread. */
static void put_aside(struct chrome *c, const struct trace_call *call, uint64_t end_us,
		      const struct trace_event *e)
{
	struct buf *b = &c->to->b;

	begin_object(c, "b", call->pid, call->tid, ns_of(c, call->start_us));
	put_label(c, call->function);
	put_id(b, "aside", call->span);
	BUF_LITERAL(b, ", \"args\": {");
	put_place(b, call->function);
	put_string(b, ", \"args\": ", call->args.s, call->args.len);
	BUF_LITERAL(b, "}}");
	begin_object(c, "e", call->pid, call->tid, ns_of(c, later_us(end_us, call->start_us)));
	put_label(c, call->function);
	put_id(b, "aside", call->span);
	put_number(b, ", \"args\": {\"span\": ", call->span);
	if (e)
		put_result(c, e);
	else
		BUF_LITERAL(b, ", \"unfinished\": true");
	BUF_LITERAL(b, "}}");
}

/* Names the thread when it is new or has a new name. */
static int follow_thread(struct chrome *c, struct running_thread *t)
{
	struct buf *b = &c->to->b;

	if (!t->row)
		t->row = calloc(1, sizeof(struct chrome_thread));
	if (!t->row)
		return -ENOMEM;
	if (!t->new_name)
		return 0;
	t->new_name = false;
	if (!map_get(&c->processes, t->pid, 1)) {
		if (map_put(&c->processes, t->pid, 1, c, NULL))
			return -ENOMEM;
		begin_object(c, "M", t->pid, t->tid, 0);
		BUF_LITERAL(b, ", \"name\": \"process_name\", \"args\": {\"name\": \"Python\"}}");
	}
	begin_object(c, "M", t->pid, t->tid, 0);
	put_string(b, ", \"name\": \"thread_name\", \"args\": {\"name\": ", t->name,
		   strlen(t->name));
	BUF_LITERAL(b, "}}");
	return 0;
}

/* A call, or the piece of it that ends now. */
static void put_piece(struct chrome *c, const struct running_at *at, uint64_t end_ns)
{
	const struct trace_call *call = at->call;
	uint64_t start_ns = (uintptr_t)call->row;
	struct buf *b = &c->to->b;

	begin_object(c, "X", at->thread->pid, at->thread->tid, start_ns);
	put_us(b, ", \"dur\": ", end_ns - start_ns);
	put_label(c, call->function);
	BUF_LITERAL(b, ", \"cat\": \"call\", \"args\": {");
	put_place(b, call->function);
	put_number(b, ", \"span\": ", call->span);
	put_string(b, ", \"args\": ", call->args.s, call->args.len);
	if (stacks_was_suspended(call))
		BUF_LITERAL(b, ", \"piece\": true");
	if (at->step == RUNNING_END && at->event)
		put_result(c, at->event);
	else if (at->step == RUNNING_END)
		BUF_LITERAL(b, ", \"unfinished\": true");
	BUF_LITERAL(b, "}}");
}

static int follow(void *arg, const struct running_at *at)
{
	struct chrome *c = arg;
	struct trace_call *call = at->call;
	uint64_t us = at->event ? at->us : later_us(c->last_us, at->us);
	int err = follow_thread(c, at->thread);

	if (err)
		return err;
	if (at->step == RUNNING_BEGIN || at->step == RUNNING_RESUME) {
		call->row = (void *)(uintptr_t)next_ns(c, at->thread, us);
		return 0;
	}
	if (at->step != RUNNING_GONE)
		put_piece(c, at, next_ns(c, at->thread, us));
	if (at->step == RUNNING_SUSPEND)
		return 0;
	c->notes.calls++;
	if (stacks_was_suspended(call))
		put_aside(c, call, at->event ? at->event->timestamp_us : us, at->event);
	return 0;
}

/* A call of which only the end is known might overlap whatever is on the thread. */
static int put_unopened(struct chrome *c, const struct trace_event *e)
{
	struct running_thread *t = timeline_thread_of(&c->running, e);
	struct trace_call call = {
		.span = e->span ? e->span : ++c->notes.unopened,
		.pid = e->pid,
		.tid = e->tid,
		.start_us = e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0,
		.function = trace_functions_of(&c->running.functions, e),
	};

	if (!call.function || !t || follow_thread(c, t))
		return -ENOMEM;
	put_aside(c, &call, e->timestamp_us, e);
	c->notes.calls++;
	return 0;
}

static int put_exception(struct chrome *c, const struct trace_event *e)
{
	struct running_thread *t = timeline_thread_of(&c->running, e);

	if (!t || follow_thread(c, t))
		return -ENOMEM;
	begin_object(c, "i", e->pid, e->tid, next_ns(c, t, later_us(e->timestamp_us, t->now_us)));
	put_text(c, ", \"s\": \"t\", \"cat\": \"exception\", \"name\": ", &e->exc_type);
	put_text(c, ", \"args\": {\"message\": ", &e->exc_message);
	put_text(c, ", \"function\": ", trace_function(e));
	BUF_LITERAL(&c->to->b, "}}");
	return 0;
}

static void put_request(struct chrome *c, const struct trace_event *e)
{
	struct buf *b = &c->to->b;
	bool ends = e->kind == TRACE_HTTP_RESPONSE;

	begin_object(c, ends ? "e" : "b", e->pid, e->tid, ns_of(c, e->timestamp_us));
	put_id(b, "http", trace_hash(e->pid, e->request_id.s, e->request_id.len));
	buf_clear(&c->text);
	if (e->method.s)
		trace_text_put(&c->text, &e->method);
	buf_char(&c->text, ' ');
	if (e->path.s)
		trace_text_put(&c->text, &e->path);
	put_string(b, ", \"name\": ", c->text.s, c->text.len);
	put_text(c, ", \"args\": {\"request_id\": ", &e->request_id);
	if (ends)
		put_number(b, ", \"status_code\": ", e->status_code);
	else
		put_text(c, ", \"user_agent\": ", &e->user_agent);
	BUF_LITERAL(b, "}}");
}

static void put_numbers(struct buf *b, const struct trace_event *e)
{
	const char *const *name = runtime_kinds[trace_runtime(e->kind)].number;
	const char *comma = "";
	uint64_t n;

	BUF_LITERAL(b, ", \"args\": {");
	for (int i = 0; i < FT_RUNTIME_VALUES && name[i]; i++) {
		if (!trace_number(e, name[i], &n))
			continue;
		buf_str(b, comma);
		put_string(b, "", name[i], strlen(name[i]));
		put_number(b, ": ", n);
		comma = ", ";
	}
	BUF_LITERAL(b, "}}");
}

/* One that took time is on its thread, unless calls were made in it. */
static void put_timed(struct chrome *c, struct running_thread *t, const struct trace_event *e)
{
	uint64_t us = e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0;
	struct chrome_thread *row = t->row;
	const struct runtime_kind *k = &runtime_kinds[trace_runtime(e->kind)];
	struct buf *b = &c->to->b;
	uint64_t start_ns = ns_of(c, us);

	if (start_ns + 1000 < row->now_ns) {
		begin_object(c, "b", e->pid, e->tid, start_ns);
		put_string(b, ", \"name\": ", k->event, strlen(k->event));
		put_id(b, "runtime", e->timestamp_us);
		put_numbers(b, e);
		begin_object(c, "e", e->pid, e->tid, ns_of(c, e->timestamp_us));
		put_string(b, ", \"name\": ", k->event, strlen(k->event));
		put_id(b, "runtime", e->timestamp_us);
		BUF_LITERAL(b, "}");
		return;
	}
	start_ns = next_ns(c, t, us);
	begin_object(c, "X", e->pid, e->tid, start_ns);
	put_us(b, ", \"dur\": ", next_ns(c, t, e->timestamp_us) - start_ns);
	put_string(b, ", \"cat\": \"runtime\", \"name\": ", k->event, strlen(k->event));
	put_numbers(b, e);
}

static int put_runtime(struct chrome *c, const struct trace_event *e)
{
	const struct runtime_kind *k = &runtime_kinds[trace_runtime(e->kind)];
	struct running_thread *t = timeline_thread_of(&c->running, e);
	struct buf *b = &c->to->b;

	if (!t || follow_thread(c, t))
		return -ENOMEM;
	if (k->timed) {
		put_timed(c, t, e);
		return 0;
	}
	begin_object(c, "i", e->pid, e->tid, next_ns(c, t, later_us(e->timestamp_us, t->now_us)));
	put_string(b, ", \"s\": \"t\", \"cat\": \"runtime\", \"name\": ", k->event,
		   strlen(k->event));
	put_numbers(b, e);
	return 0;
}

static void put_loss(struct chrome *c, const struct trace_event *e)
{
	begin_object(c, "i", e->pid, e->tid, ns_of(c, e->timestamp_us));
	put_text(c,
		 ", \"s\": \"g\", \"cat\": \"lost\", \"name\": \"LOST\", \"args\": {\"reason\": ",
		 &e->reason);
	put_number(&c->to->b, ", \"count\": ", e->count);
	BUF_LITERAL(&c->to->b, "}}");
}

/* What time 0 is: events of other threads may be somewhat earlier than the first one. */
static void put_start(struct chrome *c, uint64_t us)
{
	c->started = true;
	c->first_us = us > EARLIER_US ? us - EARLIER_US : 0;
	begin_object(c, "M", 0, 0, 0);
	put_number(&c->to->b,
		   ", \"name\": \"trace_start\", \"args\": {\"epochMicros\": ", c->first_us);
	BUF_LITERAL(&c->to->b, "}}");
}

static int start(struct export_to *to, const char *title, void **ret_state, struct why *w)
{
	struct chrome *c = calloc(1, sizeof(*c));

	if (!c)
		return why(w, -ENOMEM, "out of memory");
	c->to = to;
	c->running.stacks.follow = follow;
	c->running.stacks.arg = c;
	BUF_LITERAL(&to->b, "{\"displayTimeUnit\": \"ms\", \"otherData\": {\"trace\": ");
	json_string_unchecked(&to->b, title, strlen(title));
	BUF_LITERAL(&to->b, ", \"exporter\": \"flowctl " FT_VERSION "\"},\n\"traceEvents\": [\n"
			    "{\"ph\": \"M\", \"pid\": 0, \"tid\": 0, \"ts\": 0, \"name\": "
			    "\"process_name\", \"args\": {\"name\": \"trace\"}}");
	*ret_state = c;
	return 0;
}

static void stop(void *state)
{
	struct chrome *c = state;

	if (!c)
		return;
	for (size_t i = 0; i < c->running.stacks.threads.size; i++)
		if (c->running.stacks.threads.slot[i].value)
			free(((struct running_thread *)c->running.stacks.threads.slot[i].value)
				     ->row);
	timeline_release(&c->running);
	map_release(&c->processes);
	buf_release(&c->text);
	free(c);
}

static int put_event(struct chrome *c, const struct trace_event *e)
{
	if (trace_runtime(e->kind))
		return put_runtime(c, e);
	switch (e->kind) {
	case TRACE_EXIT:
		if (!e->span || !trace_calls_find(&c->running.calls, e->span))
			return put_unopened(c, e);
		break;
	case TRACE_EXCEPTION:
		return put_exception(c, e);
	case TRACE_HTTP_REQUEST:
	case TRACE_HTTP_RESPONSE:
		put_request(c, e);
		return 0;
	case TRACE_LOST:
		put_loss(c, e);
		return 0;
	default:
		break;
	}
	return timeline_add(&c->running, e);
}

static int chrome_add(void *state, const struct trace_event *e, struct why *w)
{
	struct chrome *c = state;
	int err;

	if (e->kind != TRACE_OTHER) {
		if (!c->started)
			put_start(c, e->timestamp_us);
		c->last_us = later_us(c->last_us, e->timestamp_us);
	}
	err = put_event(c, e);
	return err ? why(w, err, "out of memory") : export_to_spare(c->to, w);
}

static int chrome_finish(void *state, struct export_notes *ret_notes, struct why *w)
{
	struct chrome *c = state;
	int err = timeline_finish(&c->running);

	if (err)
		return why(w, err, "out of memory");
	BUF_LITERAL(&c->to->b, "\n]}\n");
	*ret_notes = c->notes;
	ret_notes->unopened = 0;
	ret_notes->unfinished = c->running.unfinished;
	return export_to_flush(c->to, w);
}

const struct export_format export_chrome = {
	.name = "chrome",
	.start = start,
	.add = chrome_add,
	.finish = chrome_finish,
	.stop = stop,
};
