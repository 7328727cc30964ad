/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "columns.h"
#include "describe.h"
#include "every_call.h"
#include "show_event.h"
#include "read/parse.h"

#define INDENT 2
#define DEEPEST_INDENT 60 /* levels; those below stay there */
#define TIME_WIDTH 26	  /* of what is before the line */
#define VALUE_SHOWN 120	  /* columns */

void every_call_release(struct every_call *c)
{
	trace_scope_release(&c->scope);
	trace_functions_release(&c->functions);
	map_release(&c->depth);
	buf_release(&c->held);
	buf_release(&c->json_text);
}

/* ---- lines -------------------------------------------------------------------------------- */

static void put_value(struct buf *b, const char *before, const struct trace_text *t)
{
	struct buf plain = {0}, safe = {0};

	if (!t->s)
		return;
	buf_str(b, before);
	trace_text_put(&plain, t);
	if (plain.len)
		safe_text(&safe, plain.s, plain.len);
	if (safe.len)
		cut_text(b, safe.s, safe.len, VALUE_SHOWN, false);
	buf_release(&plain);
	buf_release(&safe);
}

static void put_safe(struct buf *b, void (*put)(struct buf *b, const struct trace_event *e),
		     const struct trace_event *e)
{
	struct buf plain = {0};

	put(&plain, e);
	if (plain.len)
		safe_text(b, plain.s, plain.len);
	buf_release(&plain);
}

/* enter: its ENTER, for its arguments; end: its EXIT; one of them may be NULL. */
static void print_call(struct every_call *c, const struct trace_event *enter,
		       const struct trace_event *end, uint32_t depth)
{
	const struct trace_event *e = enter ? enter : end;
	uint32_t levels = depth - 1 < DEEPEST_INDENT ? depth - 1 : DEEPEST_INDENT;
	bool raised = end && end->has_exception;
	char duration[DURATION_MAX];
	struct buf b = {0};

	describe_print_time(e->timestamp_us);
	BUF_LITERAL(&b, " ");
	put_safe(&b, event_put_thread, e);
	for (uint32_t i = 0; i < levels * INDENT; i++)
		buf_char(&b, ' ');
	buf_str(&b, !end ? "  > " : !enter ? "  < " : "    ");
	put_safe(&b, event_put_label, e);
	if (enter && c->values)
		put_value(&b, " ", &enter->args);
	if (raised) {
		BUF_LITERAL(&b, "  raised ");
		put_safe(&b, event_put_exception, end);
	} else if (end && c->values) {
		put_value(&b, " = ", &end->result);
	}
	if (end) {
		duration_text(duration, (double)end->duration_us);
		BUF_LITERAL(&b, "  ");
		buf_str(&b, duration);
		buf_str(&b, end->lost ? "  its end was lost" : "");
	}
	fputs(raised ? style(stdout, STYLE_RED) : "", stdout);
	describe_print_cut(b.s, b.len, TIME_WIDTH);
	fputs(raised ? style(stdout, STYLE_PLAIN) : "", stdout);
	buf_release(&b);
}

/* The held ENTER is parsed again: its texts point into the line. */
static void print_held(struct every_call *c, const struct trace_event *end)
{
	struct trace_event enter;
	struct trace_fault fault;

	if (!c->holds)
		return;
	c->holds = false;
	if (!c->held.failed &&
	    trace_parse(c->held.s, c->held.len, &enter, &fault) == TRACE_IS_EVENT)
		print_call(c, &enter, end, c->held_depth);
}

static void hold(struct every_call *c, const struct trace_event *e, uint32_t depth)
{
	print_held(c, NULL);
	buf_clear(&c->held);
	buf_add(&c->held, e->whole.s, e->whole.len);
	c->holds = true;
	c->held_span = e->span;
	c->held_depth = depth;
	if (!c->flush)
		return;
	/* A reader waits for it. */
	print_held(c, NULL);
	fflush(stdout);
}

static void put_text(struct json_out *j, const char *key, const struct trace_text *t)
{
	struct buf plain = {0};

	if (!t->s)
		return;
	trace_text_put(&plain, t);
	json_bytes(j, key, plain.len ? plain.s : "", plain.len);
	buf_release(&plain);
}

static void print_json(const struct every_call *c, const struct trace_event *e,
		       const struct trace_function *f, uint32_t depth)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_text(&j, "event", trace_kind_names[e->kind]);
	json_u64(&j, "timestamp", e->timestamp_us);
	json_u64(&j, "depth", depth);
	describe_put_function(&j, f);
	put_text(&j, "thread", &e->thread);
	json_u64(&j, "pid", e->pid);
	json_u64(&j, "tid", e->tid);
	json_u64(&j, "span", e->span);
	if (c->values)
		put_text(&j, e->kind == TRACE_ENTER ? "args" : "result",
			 e->kind == TRACE_ENTER ? &e->args : &e->result);
	if (e->kind == TRACE_EXIT)
		json_u64(&j, "durationMicros", e->duration_us);
	if (e->has_exception) {
		json_begin(&j, "exception", '{');
		put_text(&j, "type", &e->exc_type);
		put_text(&j, "message", &e->exc_message);
		json_end(&j, '}');
	}
	json_end(&j, '}');
	json_print(&j);
	if (c->flush)
		fflush(stdout);
}

/* ---- which -------------------------------------------------------------------------------- */

/* How deep a call is that begins; 0: it is not looked at. */
static uint32_t depth_of(struct every_call *c, const struct trace_event *e,
			 const struct trace_function *f)
{
	uint64_t caller = e->parent ? (uint64_t)map_get(&c->depth, e->parent, 0) : 0;

	if (!trace_scope_has(&c->scope, e) || (!caller && !trace_scope_begins(&c->scope, f)))
		return 0;
	c->in_scope++;
	return (uint32_t)caller + 1;
}

static bool is_seen(const struct every_call *c, const struct trace_event *e, uint32_t depth)
{
	return depth && depth <= c->deepest && !e->left_out;
}

static int add_enter(struct every_call *c, const struct trace_event *e,
		     const struct trace_function *f)
{
	uint32_t depth = depth_of(c, e, f);

	if (!depth || !e->span)
		return 0;
	if (is_seen(c, e, depth)) {
		if (c->json)
			print_json(c, e, f, depth);
		else
			hold(c, e, depth);
	}
	return map_put(&c->depth, e->span, 0, (void *)(uint64_t)depth, NULL);
}

static int add_exit(struct every_call *c, const struct trace_event *e,
		    const struct trace_function *f)
{
	uint32_t depth = e->span ? (uint32_t)(uint64_t)map_take(&c->depth, e->span, 0) : 0;

	if (!depth)
		depth = depth_of(c, e, f);
	if (!is_seen(c, e, depth))
		return 0;
	if (c->json) {
		print_json(c, e, f, depth);
	} else if (c->holds && c->held_span == e->span && e->span) {
		print_held(c, e);
	} else {
		print_held(c, NULL);
		print_call(c, NULL, e, depth);
	}
	if (c->flush)
		fflush(stdout);
	return 0;
}

int every_call_add(struct every_call *c, const struct trace_event *e)
{
	const struct trace_function *f;

	if (e->kind != TRACE_ENTER && e->kind != TRACE_EXIT)
		return 0;
	f = trace_functions_of(&c->functions, e);
	if (!f)
		return -ENOMEM;
	return e->kind == TRACE_ENTER ? add_enter(c, e, f) : add_exit(c, e, f);
}

void every_call_finish(struct every_call *c)
{
	print_held(c, NULL);
}
