/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/runtime_kind.h"
#include "columns.h"
#include "describe.h"
#include "show_event.h"

#define HEAD_WIDTH 60 /* about what is before the text */

static void put_field(struct buf *b, const char *before, const struct trace_text *t)
{
	if (!t->s)
		return;
	buf_str(b, before);
	trace_text_put(b, t);
}

void event_put_label(struct buf *b, const struct trace_event *e)
{
	const struct trace_text *scope = e->class_name.len ? &e->class_name : &e->module;

	put_field(b, "", scope);
	put_field(b, scope->len ? "." : "", trace_function(e));
}

void event_put_thread(struct buf *b, const struct trace_event *e)
{
	char ids[32];

	put_field(b, "", &e->thread);
	snprintf(ids, sizeof(ids), "%s%" PRIu32 "/%" PRIu32, b->len ? " " : "", e->pid, e->tid);
	buf_str(b, ids);
}

void event_put_exception(struct buf *b, const struct trace_event *e)
{
	put_field(b, "", &e->exc_type);
	if (e->exc_message.len)
		put_field(b, e->exc_type.len ? ": " : "", &e->exc_message);
}

static void put_duration(struct buf *b, const struct trace_event *e)
{
	char text[DURATION_MAX];

	duration_text(text, (double)e->duration_us);
	BUF_LITERAL(b, "  ");
	buf_str(b, text);
}

static void put_number(struct buf *b, const char *before, uint64_t n, const char *after)
{
	char text[64];

	snprintf(text, sizeof(text), "%s%" PRIu64 "%s", before, n, after);
	buf_str(b, text);
}

static void put_request(struct buf *b, const struct trace_event *e)
{
	put_field(b, "", &e->method);
	put_field(b, " ", &e->path);
	if (e->kind == TRACE_HTTP_RESPONSE) {
		put_number(b, "  ", e->status_code, "");
		put_duration(b, e);
	}
	put_field(b, "  ", &e->request_id);
	put_field(b, "  from ", &e->remote_addr);
}

static void put_end(struct buf *b, const struct trace_event *e)
{
	event_put_label(b, e);
	if (e->has_exception) {
		BUF_LITERAL(b, "  ");
		event_put_exception(b, e);
	} else {
		put_field(b, " = ", &e->result);
	}
	put_duration(b, e);
	if (e->lost)
		BUF_LITERAL(b, "  its end was lost");
}

static void put_runtime(struct buf *b, const struct trace_event *e)
{
	const struct runtime_kind *k = &runtime_kinds[trace_runtime(e->kind)];
	uint64_t n;

	for (int i = 0; i < FT_RUNTIME_VALUES && k->number[i]; i++) {
		if (!trace_number(e, k->number[i], &n))
			continue;
		buf_str(b, b->len ? " " : "");
		buf_str(b, k->number[i]);
		put_number(b, "=", n, "");
	}
	if (k->timed)
		put_duration(b, e);
}

static void put_text(struct buf *b, const struct trace_event *e)
{
	if (trace_runtime(e->kind)) {
		put_runtime(b, e);
		return;
	}
	switch (e->kind) {
	case TRACE_ENTER:
		event_put_label(b, e);
		put_field(b, "  ", &e->args);
		break;
	case TRACE_EXIT:
	case TRACE_EXCEPTION:
		put_end(b, e);
		break;
	case TRACE_HTTP_REQUEST:
	case TRACE_HTTP_RESPONSE:
		put_request(b, e);
		break;
	case TRACE_LOST:
		put_number(b, "", e->count, " events");
		put_field(b, ": ", &e->reason);
		break;
	case TRACE_SAMPLED:
		put_number(b, "", e->count, " left out");
		put_field(b, ": ", &e->rule);
		break;
	case TRACE_STATE:
		put_field(b, "", &e->state);
		put_field(b, ": ", &e->reason);
		break;
	default:
		buf_add(b, e->whole.s, e->whole.len);
		break;
	}
}

static const char *colour_of(const struct trace_event *e)
{
	if (e->kind == TRACE_EXCEPTION || e->has_exception || e->kind == TRACE_LOST ||
	    e->status_code >= 500)
		return style(stdout, STYLE_RED);
	return style(stdout, e->kind == TRACE_ENTER ? STYLE_CYAN : STYLE_PLAIN);
}

static void print_safe(const struct buf *b)
{
	struct buf safe = {0};

	safe_text(&safe, b->len ? b->s : "", b->len);
	fwrite(safe.len ? safe.s : "", 1, safe.len, stdout);
	buf_release(&safe);
}

void show_event(const struct trace_event *e)
{
	struct buf b = {0}, safe = {0};

	describe_print_time(e->timestamp_us);
	putchar(' ');
	event_put_thread(&b, e);
	print_safe(&b);
	buf_clear(&b);
	trace_text_put(&b, &e->event);
	printf("  %s", colour_of(e));
	print_safe(&b);
	printf("%s  ", style(stdout, STYLE_PLAIN));
	buf_clear(&b);
	put_text(&b, e);
	safe_text(&safe, b.len ? b.s : "", b.len);
	describe_print_cut(safe.len ? safe.s : "", safe.len, HEAD_WIDTH);
	buf_release(&b);
	buf_release(&safe);
}
