/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assemble/assemble.h"
#include "assemble/spans.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/utf8.h"
#include "ft_counters.h"

/* Events that no line told of, for want of room: told when there is some. */
struct untold {
	uint64_t count[FT_COUNTER_COUNT];
	uint64_t last_ns;
	bool any;
};

struct assembler {
	struct assembler_options o;
	struct assembler_stats stats;
	struct untold untold;
	struct spans spans;
	struct requests requests;
	uint64_t last_number;
	struct buf exception; /* text of a result that is an exception */
	struct buf full;      /* the whole of it, when it is cut and that is wanted */
	struct buf scratch;
};

int assembler_new(const struct assembler_options *o, struct assembler **ret_assembler)
{
	struct assembler *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->o = *o;
	*ret_assembler = a;
	return 0;
}

void assembler_free(struct assembler *a)
{
	if (!a)
		return;
	spans_release(&a->spans);
	(void)requests_release(&a->requests);
	buf_release(&a->exception);
	buf_release(&a->full);
	buf_release(&a->scratch);
	free(a);
}

void assembler_set_anchor(struct assembler *a, uint64_t mono_ns, uint64_t real_ns)
{
	a->o.anchor_mono_ns = mono_ns;
	a->o.anchor_real_ns = real_ns;
}

void assembler_set_limits(struct assembler *a, unsigned max_arg_length, bool args, bool result)
{
	a->o.max_arg_length = max_arg_length;
	a->o.args = args;
	a->o.result = result;
}

void assembler_stats(const struct assembler *a, struct assembler_stats *ret_stats)
{
	*ret_stats = a->stats;
}

/* ---- lines -------------------------------------------------------------------- */

static uint64_t real_us(const struct assembler *a, uint64_t mono_ns)
{
	/* Unsigned arithmetic also serves a moment before the anchor. */
	return (a->o.anchor_real_ns + (mono_ns - a->o.anchor_mono_ns)) / 1000;
}

/* NULL: it is made for none, or for one without a name. */
static const struct text *request_id(const struct span *s)
{
	return s->request && s->request->http.id.s ? &s->request->http.id : NULL;
}

static struct line line_of(const struct assembler *a, enum line_type type, uint32_t pid,
			   uint32_t tid, const struct span *s, uint64_t ts_ns)
{
	return (struct line){
		.type = type,
		.timestamp_us = real_us(a, ts_ns),
		.pid = pid,
		.tid = tid,
		.thread = a->o.thread_name ? a->o.thread_name(a->o.arg, pid, tid) : "",
		.function = s->function,
		.threshold = a->o.max_arg_length,
		.duration_ns = ts_ns > s->start_ns ? ts_ns - s->start_ns : 0,
		.span = s->number,
		.parent = s->parent,
		.request_id = request_id(s),
	};
}

static const char *reason_name(uint32_t reason)
{
	static const char *const names[] = {
#define X(name, text) #name,
		FT_COUNTERS(X)
#undef X
	};

	return reason < FT_COUNTER_COUNT ? names[reason] : "unknown";
}

static bool room(const struct assembler *a, bool begins)
{
	return !a->o.room || a->o.room(a->o.arg, begins);
}

static void lose(struct assembler *a, uint64_t ts_ns, uint64_t count, uint32_t reason)
{
	a->untold.count[reason < FT_COUNTER_COUNT ? reason : FT_LOST_bad_record] += count;
	a->untold.last_ns = ts_ns;
	a->untold.any = true;
	a->stats.lost += count;
}

static int tell_untold(struct assembler *a)
{
	int err = 0;

	a->untold.any = false;
	for (uint32_t i = 0; i < FT_COUNTER_COUNT && err >= 0; i++) {
		struct line l = {
			.type = LINE_LOST,
			.timestamp_us = real_us(a, a->untold.last_ns),
			.count = a->untold.count[i],
			.reason = reason_name(i),
		};

		if (l.count)
			err = a->o.line(a->o.arg, &l);
		a->untold.count[i] = 0;
	}
	return err;
}

static int put(struct assembler *a, const struct line *l)
{
	int err = 0;

	if (a->untold.any && room(a, true))
		err = tell_untold(a);
	if (err >= 0)
		err = a->o.line(a->o.arg, l);
	a->stats.unfinished += err > 0 && l->type == LINE_EXIT;
	return err < 0 ? err : 0;
}

static int put_enter(struct assembler *a, const struct event *e, const struct span *s)
{
	struct line l = line_of(a, LINE_ENTER, e->pid, e->tid, s, e->ts_ns);

	l.value = e->value;
	if (!a->o.args)
		l.threshold = 0;
	a->stats.enters++;
	if (!s->function->counted) {
		s->function->counted = true;
		a->stats.functions++;
	}
	return put(a, &l);
}

static int put_exit(struct assembler *a, const struct event *e, const struct span *s)
{
	struct line l = line_of(a, LINE_EXIT, e->pid, e->tid, s, e->ts_ns);

	l.value = e->value;
	if (!a->o.result)
		l.threshold = 0;
	a->stats.exits++;
	return put(a, &l);
}

/* A call whose end was lost: it ended by the time that the call around it did. */
static int put_lost_exit(struct assembler *a, const struct thread_spans *t, const struct span *s,
			 uint64_t end_ns)
{
	struct line l = line_of(a, LINE_EXIT, t->pid, t->tid, s, end_ns);

	l.value = (struct text){.s = "null", .len = 4};
	l.lost = true;
	a->stats.exits++;
	return put(a, &l);
}

#define RESULT "{\"exception\": "

/* {"exception": "ValueError: Invalid input" and no brace yet */
static void put_result(struct assembler *a, struct buf *b, const struct text *type,
		       const char *message, size_t len)
{
	struct buf *plain = &a->scratch;

	buf_clear(plain);
	buf_add(plain, type->s, type->len);
	if (len) {
		BUF_LITERAL(plain, ": ");
		buf_add(plain, message, len);
	}
	buf_clear(b);
	BUF_LITERAL(b, RESULT);
	json_string(b, plain->s, plain->len);
}

/* The whole of one that is cut; what does not say more is not kept. */
static void put_full_result(struct assembler *a, const struct text *type,
			    const struct text *message, struct text *result)
{
	struct buf *b = &a->full;

	put_result(a, b, type, message->full ?: message->s,
		   message->full ? message->full_len : message->len);
	buf_char(b, '}');
	if (b->len == result->len)
		return;
	result->full = b->s;
	result->full_len = b->len;
	result->original_len = b->failed ? 0 : utf8_count(b->s, b->len);
}

/* The result of a call that was left by exception, within the limit where that is possible. */
static struct text exception_result(struct assembler *a, const struct text *type,
				    const struct text *message)
{
	struct buf *b = &a->exception;
	struct text result = {.cut = message->cut};
	size_t start = sizeof(RESULT) - 1, chars;
	size_t least = sizeof(JSON_DOTS) - 1, max = a->o.max_arg_length;

	put_result(a, b, type, message->s, message->len);
	chars = b->failed ? 0 : utf8_count(b->s, b->len) + 1;
	if (chars > max) {
		size_t room = max > start + 1 + least ? max - start - 1 : least;

		result.original_len = message->cut ? 0 : chars;
		result.cut = true;
		json_cut_string(b, start, room);
	}
	buf_char(b, '}');
	result.s = b->s;
	result.len = b->len;
	if (result.cut && a->o.full_texts)
		put_full_result(a, type, message, &result);
	return result;
}

static int put_exception(struct assembler *a, const struct event *e, const struct span *s,
			 uint64_t end_ns)
{
	static const struct text unknown = {.s = "<unknown>", .len = 9}, none = {.s = ""};
	struct line l = line_of(a, LINE_EXCEPTION, e->pid, e->tid, s, end_ns);
	int err;

	l.has_exception = true;
	l.exc_type = s->raise ? s->raise->type : unknown;
	l.exc_message = s->raise ? s->raise->message : none;
	l.stack = s->raise ? s->raise->stack : (struct text){};
	a->stats.exceptions++;
	err = put(a, &l);
	if (err < 0)
		return err;
	l.type = LINE_EXIT;
	l.value = exception_result(a, &l.exc_type, &l.exc_message);
	if (a->exception.failed || a->full.failed || a->scratch.failed)
		return -ENOMEM;
	a->stats.exits++;
	return put(a, &l);
}

static int put_lost(struct assembler *a, const struct event *e, uint64_t ts_ns, uint32_t count,
		    uint32_t reason)
{
	struct line l = {
		.type = LINE_LOST,
		.timestamp_us = real_us(a, ts_ns),
		.pid = e->pid,
		.tid = e->tid,
		.count = count,
		.reason = reason_name(reason),
	};

	if (!room(a, false)) {
		lose(a, ts_ns, count, reason);
		return 0;
	}
	a->stats.lost += count;
	return put(a, &l);
}

/* ---- one function an event type ----------------------------------------------- */

static int on_enter(struct assembler *a, const struct event *e)
{
	struct span s = {.start_ns = e->span.start_ns, .parent_id = e->parent};
	const struct span *parent = NULL;
	bool kept, taken;
	int err;

	/* Without its description a call has no name to be shown by. */
	if (!e->function)
		return put_lost(a, e, e->ts_ns, 2, FT_LOST_emit_code);
	s.function = e->function;
	if (e->parent.start_ns)
		parent = spans_find(&a->spans, e->pid, e->parent);
	if (parent)
		s.parent = parent->number ? parent->number : parent->parent;
	kept = !a->o.keep || a->o.keep(a->o.arg, e->function);
	taken = kept && room(a, true);
	if (taken)
		s.number = a->o.span_base + a->last_number + 1;
	if (e->request)
		s.request = request_get(requests_find(&a->requests, e->pid, e->request));
	err = spans_add(&a->spans, e->pid, e->span, &s);
	if (err)
		request_put(s.request);
	if (err == -EEXIST)
		return 0;
	if (kept && !taken)
		lose(a, e->ts_ns, 2, FT_LOST_sink_full); /* its end is not told either */
	if (err || !s.number)
		return err;
	a->last_number++;
	return put_enter(a, e, &s);
}

/* Closes span i of the thread when it lies inside of the call that ends now. */
static int close_if_inside(struct assembler *a, struct thread_spans *t, size_t i,
			   struct span_id outer, uint64_t end_ns)
{
	struct span *s = &t->stack[i];
	int err = 0;

	if (!spans_inside(&a->spans, t->pid, s, outer))
		return 0;
	if (s->number)
		err = put_lost_exit(a, t, s, end_ns);
	s->function = NULL;
	return err;
}

static int put_end(struct assembler *a, const struct event *e, const struct span *s,
		   uint64_t end_ns)
{
	if (!s->number)
		return 0;
	return e->by_exception ? put_exception(a, e, s, end_ns) : put_exit(a, e, s);
}

static uint64_t end_of(const struct event *e, const struct span *s)
{
	return e->by_exception && s->raise ? s->raise->ts_ns : e->ts_ns;
}

static int end_call(struct assembler *a, const struct event *e, struct thread_spans *t, size_t at)
{
	uint64_t end_ns = end_of(e, &t->stack[at]);
	int err = 0;

	for (size_t i = t->count; i-- > at + 1 && !err;)
		err = close_if_inside(a, t, i, e->span, end_ns);
	if (err >= 0)
		err = put_end(a, e, &t->stack[at], end_ns);
	t->stack[at].function = NULL;
	spans_compact(t, at);
	return err;
}

static int end_generator(struct assembler *a, const struct event *e, const struct span *s)
{
	/* What it called ran on the thread on which it ended, on top of everything. */
	struct thread_spans *t = spans_find_thread(&a->spans, e->pid, e->tid);
	uint64_t end_ns = end_of(e, s);
	int err = 0;

	while (t && t->count && !err) {
		size_t top = t->count - 1;

		err = close_if_inside(a, t, top, e->span, end_ns);
		if (t->stack[top].function)
			break;
		spans_compact(t, top);
	}
	if (err >= 0)
		err = put_end(a, e, s, end_ns);
	spans_remove_generator(&a->spans, e->pid, e->span);
	return err;
}

static int on_exit_event(struct assembler *a, const struct event *e)
{
	struct thread_spans *t = spans_find_thread(&a->spans, e->pid, e->span.tid);
	long i = t ? spans_index(t, e->span.start_ns) : -1;
	const struct span *s = i >= 0 ? &t->stack[i] : spans_find(&a->spans, e->pid, e->span);

	if (!s)
		return 0;
	if (s->number && !room(a, false)) { /* it stays open, and is closed by what is around it */
		lose(a, e->ts_ns, 1, FT_LOST_sink_full);
		return 0;
	}
	return i >= 0 ? end_call(a, e, t, i) : end_generator(a, e, s);
}

static int on_dropped(struct assembler *a, const struct event *e)
{
	const struct span *s = spans_find(&a->spans, e->pid, e->span);

	if (!s || !s->function->generator)
		return 0;
	a->stats.unfinished += s->number != 0;
	spans_remove_generator(&a->spans, e->pid, e->span);
	return 0;
}

static int on_raise(struct assembler *a, const struct event *e)
{
	struct span *s = spans_find(&a->spans, e->pid, e->span);
	size_t type = e->exc_type.len, message = e->exc_message.len, full = e->exc_message.full_len;
	size_t stack = e->stack.s ? e->stack.len : 0;
	struct raise *r;

	if (!s || !s->number)
		return 0;
	r = malloc(sizeof(*r) + type + message + full + stack);
	if (!r)
		return -ENOMEM;
	r->ts_ns = e->ts_ns;
	r->type = e->exc_type;
	r->message = e->exc_message;
	r->type.s = memcpy(r->bytes, e->exc_type.s, type);
	r->message.s = memcpy(r->bytes + type, e->exc_message.s, message);
	if (full)
		r->message.full = memcpy(r->bytes + type + message, e->exc_message.full, full);
	r->stack = e->stack;
	if (stack)
		r->stack.s = memcpy(r->bytes + type + message + full, e->stack.s, stack);
	free(s->raise);
	s->raise = r;
	return 0;
}

static void count_unfinished(void *arg, const struct span *s)
{
	struct assembler *a = arg;

	a->stats.unfinished += s->number != 0;
}

/* ---- HTTP ----------------------------------------------------------------------- */

static struct line http_line(const struct assembler *a, enum line_type type, const struct event *e,
			     const struct http *http)
{
	return (struct line){
		.type = type,
		.timestamp_us = real_us(a, e->ts_ns),
		.pid = e->pid,
		.tid = e->tid,
		.thread = a->o.thread_name ? a->o.thread_name(a->o.arg, e->pid, e->tid) : "",
		.http = http,
	};
}

static void lose_request(struct assembler *a, const struct event *e)
{
	struct request *r = requests_find(&a->requests, e->pid, e->request);

	r->over = r->silent = true;
	lose(a, e->ts_ns, 2, FT_LOST_sink_full);
}

static int put_response(struct assembler *a, const struct event *e, const struct request *r)
{
	struct line l = http_line(a, LINE_HTTP_RESPONSE, e, &r->http);

	if (r->silent)
		return 0;
	if (!room(a, false)) {
		lose(a, e->ts_ns, 1, FT_LOST_sink_full);
		return 0;
	}
	l.duration_ns = e->ts_ns > r->start_ns ? e->ts_ns - r->start_ns : 0;
	a->stats.responses++;
	return put(a, &l);
}

static int on_request(struct assembler *a, const struct event *e)
{
	struct line l = http_line(a, LINE_HTTP_REQUEST, e, e->http);
	struct request *old;
	int err = requests_add(&a->requests, e, &old);

	if (err)
		return err;
	a->stats.unfinished += old && !old->over;
	request_put(old);
	if (!room(a, true)) {
		lose_request(a, e);
		return 0;
	}
	a->stats.requests++;
	return put(a, &l);
}

static int on_response(struct assembler *a, const struct event *e)
{
	struct request *r = requests_find(&a->requests, e->pid, e->request);
	int err;

	if (!r || (r->over && !r->silent))
		return 0;
	r->over = true;
	r->http.status = e->http->status;
	err = put_response(a, e, r);
	if (e->kept)
		requests_keep(&a->requests, e->pid, e->request);
	else
		requests_forget(&a->requests, e->pid, e->request);
	return err;
}

static int on_forget(struct assembler *a, const struct event *e)
{
	const struct request *r = requests_find(&a->requests, e->pid, e->request);

	a->stats.unfinished += r && !r->over; /* its response was lost */
	requests_forget(&a->requests, e->pid, e->request);
	return 0;
}

static void drop_process(struct assembler *a, uint32_t pid)
{
	spans_drop_process(&a->spans, pid, count_unfinished, a);
	a->stats.unfinished += requests_drop_process(&a->requests, pid);
}

int assembler_event(struct assembler *a, const struct event *e)
{
	switch (e->type) {
	case EVENT_ENTER:
		return on_enter(a, e);
	case EVENT_EXIT:
		return on_exit_event(a, e);
	case EVENT_DROPPED:
		return on_dropped(a, e);
	case EVENT_RAISE:
		return on_raise(a, e);
	case EVENT_LOST:
		return put_lost(a, e, e->last_ns ? e->last_ns : e->ts_ns, e->count, e->reason);
	case EVENT_THREAD_EXIT:
		spans_drop_thread(&a->spans, e->pid, e->tid, count_unfinished, a);
		return 0;
	case EVENT_PROC_EXIT:
	case EVENT_PROC_EXEC:
		drop_process(a, e->pid);
		return 0;
	case EVENT_HTTP_REQUEST:
		return on_request(a, e);
	case EVENT_HTTP_RESPONSE:
		return on_response(a, e);
	case EVENT_HTTP_FORGET:
		return on_forget(a, e);
	case EVENT_NONE:
	case EVENT_FUNCTION:
	case EVENT_PROC_FORK: /* what is open belongs to the parent alone */
	case EVENT_SESSION:
		return 0;
	}
	return 0;
}

int assembler_finish(struct assembler *a)
{
	spans_drop_all(&a->spans, count_unfinished, a);
	a->stats.unfinished += requests_release(&a->requests);
	return a->untold.any ? tell_untold(a) : 0;
}
