/* SPDX-License-Identifier: MIT */
/*
 * The order of the fields (docs/events.md) is that of the functions below.
 */
#include "base/json.h"
#include "base/number.h"
#include "base/runtime_kind.h"
#include "ft_abi.h"
#include "sink/line.h"

/* Everything but the parts whose length is counted in line_bound(). */
#define FIXED_BYTES 768

/* line_bound() made sure that p has room. */
static inline char *add(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

#define ADD(p, literal) add(p, literal, sizeof(literal) - 1)

static size_t http_bound(const struct http *h)
{
	return h->id.len + h->method.len + h->path.len + h->remote_addr.len + h->user_agent.len;
}

static size_t workload_bound(const struct workload *w)
{
	return w ? w->json_len : 0;
}

static char *add_workload(char *p, const struct workload *w)
{
	if (!w)
		return p;
	p = ADD(p, ", ");
	return add(p, w->json, w->json_len);
}

/* A line of a call as it is written. */
struct call_line {
	enum line_type type;
	const struct span *span;
	const struct text *value; /* NULL: it has none */
	const struct exception *exception;
	const char *file;
	size_t file_len, thread, head, tail; /* bytes */
};

static size_t call_bound(const struct call_line *l)
{
	const struct exception *x = l->exception;
	size_t texts = l->thread + (l->value ? l->value->len : 0) +
		       (l->span->request_id ? l->span->request_id->len : 0) +
		       (x ? x->type.len + x->message.len : 0);

	return FIXED_BYTES + l->head + l->tail + l->file_len + (x ? x->stack.len : 0) +
	       workload_bound(l->span->workload) + JSON_GROWTH * texts;
}

static char *add_text(char *p, const struct text *t)
{
	*p++ = '"';
	p = json_escape_to(p, t->s, t->len);
	*p++ = '"';
	return p;
}

static char *add_exception(char *p, const struct exception *x)
{
	p = ADD(p, "\"exception\": {\"type\": ");
	p = add_text(p, &x->type);
	p = ADD(p, ", \"message\": ");
	p = add_text(p, &x->message);
	return ADD(p, "}");
}

static char *add_durations(char *p, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t us = span_ns(start_ns, end_ns) / 1000;

	p = ADD(p, "\"durationMicros\": ");
	p = number_u64(p, us);
	p = ADD(p, ", \"durationMillis\": ");
	return number_u64(p, us / 1000);
}

static char *add_body(char *p, const struct call_line *l)
{
	const struct span *s = l->span;

	if (l->value) {
		p = l->type == LINE_ENTER ? ADD(p, "\"args\": ") : ADD(p, "\"result\": ");
		p = add_text(p, l->value);
		p = ADD(p, ", ");
	} else {
		p = add_exception(p, l->exception);
		p = ADD(p, ", ");
	}
	if (l->type == LINE_ENTER)
		return p;
	p = add_durations(p, s->start_ns, s->end_ns);
	return ADD(p, ", ");
}

static char *add_ids(char *p, uint32_t pid, uint32_t tid)
{
	p = ADD(p, ", \"pid\": ");
	p = number_u64(p, pid);
	p = ADD(p, ", \"tid\": ");
	return number_u64(p, tid);
}

static char *add_truncated_field(char *p, const char *name, const struct text *t,
				 unsigned threshold, bool *first)
{
	if (!t->cut)
		return p;
	p = *first ? ADD(p, ", \"truncatedFields\": {\"") : ADD(p, ", \"");
	*first = false;
	p = add(p, name, strlen(name));
	p = ADD(p, "\": {\"threshold\": ");
	p = number_u64(p, threshold);
	if (t->original_len) {
		p = ADD(p, ", \"originalLength\": ");
		p = number_u64(p, t->original_len);
	}
	return ADD(p, "}");
}

static char *add_truncated(char *p, const struct call_line *l)
{
	const struct span *s = l->span;
	bool enter = l->type == LINE_ENTER, first = true;

	if (l->value)
		p = add_truncated_field(p, enter ? "args" : "result", l->value,
					enter ? s->args_limit : s->result_limit, &first);
	if (l->exception) {
		p = add_truncated_field(p, "exception", &l->exception->message, s->result_limit,
					&first);
		p = add_truncated_field(p, "stack", &l->exception->stack, FT_MAX_STACK, &first);
	}
	return first ? p : ADD(p, "}");
}

static char *add_file(char *p, const struct call_line *l)
{
	if (!l->file)
		return p;
	p = ADD(p, ", \"fullLogFile\": \"");
	p = add(p, l->file, l->file_len);
	return ADD(p, "\"");
}

static char *add_timestamp(char *p, uint64_t ns)
{
	p = ADD(p, "{\"timestamp\": ");
	p = number_u64(p, ns / 1000);
	return ADD(p, ", \"event\": ");
}

static char *add_text_or_null(char *p, const struct text *t)
{
	return t->s ? add_text(p, t) : ADD(p, "null");
}

static char *add_thread(char *p, const char *thread, size_t len)
{
	p = ADD(p, "\"thread\": \"");
	p = json_escape_to(p, thread, len);
	return ADD(p, "\"");
}

static char *add_request(char *p, const struct request_span *r, size_t thread)
{
	const struct http *h = r->http;

	p = add_timestamp(p, r->end_ns ?: r->start_ns);
	p = r->end_ns ? ADD(p, "\"HTTP_RESPONSE\", ") : ADD(p, "\"HTTP_REQUEST\", ");
	p = ADD(p, "\"request_id\": ");
	p = add_text_or_null(p, &h->id);
	p = ADD(p, ", \"method\": ");
	p = add_text_or_null(p, &h->method);
	p = ADD(p, ", \"path\": ");
	p = add_text_or_null(p, &h->path);
	if (!r->end_ns) {
		p = ADD(p, ", \"remote_addr\": ");
		p = add_text_or_null(p, &h->remote_addr);
		p = ADD(p, ", \"user_agent\": ");
		p = add_text_or_null(p, &h->user_agent);
	} else {
		p = ADD(p, ", \"status_code\": ");
		p = h->status ? number_u64(p, h->status) : ADD(p, "null");
		p = ADD(p, ", ");
		p = add_durations(p, r->start_ns, r->end_ns);
	}
	p = add_ids(p, r->pid, r->tid);
	p = ADD(p, ", ");
	p = add_thread(p, r->thread, thread);
	p = add_workload(p, r->workload);
	return ADD(p, "}\n");
}

/* The texts of a kind are short: they are among the FIXED_BYTES. */
static char *add_runtime(char *p, const struct runtime_event *r, size_t thread)
{
	const struct runtime_kind *k = &runtime_kinds[r->kind];

	p = add_timestamp(p, r->end_ns);
	p = ADD(p, "\"");
	p = add(p, k->event, strlen(k->event));
	p = ADD(p, "\", ");
	p = add_thread(p, r->thread, thread);
	for (int i = 0; i < FT_RUNTIME_VALUES && k->number[i]; i++) {
		p = ADD(p, ", \"");
		p = add(p, k->number[i], strlen(k->number[i]));
		p = ADD(p, "\": ");
		p = r->number[i] == FT_RUNTIME_UNKNOWN ? ADD(p, "null")
						       : number_u64(p, r->number[i]);
	}
	if (k->timed) {
		p = ADD(p, ", ");
		p = add_durations(p, r->start_ns, r->end_ns);
	}
	p = add_ids(p, r->pid, r->tid);
	p = ADD(p, ", \"parent\": ");
	p = number_u64(p, r->parent);
	if (r->request_id) {
		p = ADD(p, ", \"request_id\": ");
		p = add_text(p, r->request_id);
	}
	p = add_workload(p, r->workload);
	return ADD(p, "}\n");
}

static char *add_event(char *p, enum line_type type)
{
	switch (type) {
	case LINE_ENTER:
		return ADD(p, "\"ENTER\", ");
	case LINE_EXIT:
		return ADD(p, "\"EXIT\", ");
	case LINE_EXCEPTION:
		return ADD(p, "\"EXCEPTION\", ");
	}
	return p;
}

static char *add_call(char *p, const struct call_line *l)
{
	const struct span *s = l->span;

	p = add_timestamp(p, l->type == LINE_ENTER ? s->start_ns : s->end_ns);
	p = add_event(p, l->type);
	p = add_thread(p, s->thread, l->thread);
	p = ADD(p, ", ");
	p = add(p, s->function->json_head, l->head);
	p = ADD(p, ", ");
	p = add_body(p, l);
	p = add(p, s->function->json_tail, l->tail);
	p = add_ids(p, s->pid, s->tid);
	p = ADD(p, ", \"span\": ");
	p = number_u64(p, s->id);
	p = ADD(p, ", \"parent\": ");
	p = number_u64(p, s->parent);
	if (s->request_id) {
		p = ADD(p, ", \"request_id\": ");
		p = add_text(p, s->request_id);
	}
	if (l->type == LINE_EXIT && l->exception) { /* it comes last, out of the usual order */
		p = ADD(p, ", ");
		p = add_exception(p, l->exception);
	}
	if (l->type == LINE_EXCEPTION && l->exception->stack.s) {
		p = ADD(p, ", \"stack\": ");
		p = add(p, l->exception->stack.s, l->exception->stack.len);
	}
	p = add_truncated(p, l);
	p = add_file(p, l);
	if (s->lost && l->type == LINE_EXIT)
		p = ADD(p, ", \"lost\": true");
	p = add_workload(p, s->workload);
	return ADD(p, "}\n");
}

bool line_call(struct buf *out, enum line_type type, const struct span *s, const char *file)
{
	struct call_line l = {
		.type = type,
		.span = s,
		.value = line_value(type, s),
		.exception = type == LINE_ENTER ? NULL : s->exception,
		.file = file,
		.file_len = file ? strlen(file) : 0,
		.thread = s->thread ? strlen(s->thread) : 0,
		.head = strlen(s->function->json_head),
		.tail = strlen(s->function->json_tail),
	};
	char *room = buf_room(out, call_bound(&l));

	if (!room)
		return false;
	out->len += add_call(room, &l) - room;
	return true;
}

bool line_request(struct buf *out, const struct request_span *r)
{
	size_t thread = r->thread ? strlen(r->thread) : 0;
	size_t texts = thread + http_bound(r->http);
	char *room = buf_room(out, FIXED_BYTES + workload_bound(r->workload) + JSON_GROWTH * texts);

	if (!room)
		return false;
	out->len += add_request(room, r, thread) - room;
	return true;
}

bool line_runtime(struct buf *out, const struct runtime_event *r)
{
	size_t thread = r->thread ? strlen(r->thread) : 0;
	size_t texts = thread + (r->request_id ? r->request_id->len : 0);
	char *room = buf_room(out, FIXED_BYTES + workload_bound(r->workload) + JSON_GROWTH * texts);

	if (!room)
		return false;
	out->len += add_runtime(room, r, thread) - room;
	return true;
}

bool line_lost(struct buf *out, const struct loss *l)
{
	size_t reason = strlen(l->reason);
	char *room = buf_room(out, FIXED_BYTES + reason), *p = room;

	if (!room)
		return false;
	p = add_timestamp(p, l->at_ns);
	p = ADD(p, "\"LOST\", \"count\": ");
	p = number_u64(p, l->count);
	p = ADD(p, ", \"reason\": \"");
	p = add(p, l->reason, reason);
	p = ADD(p, "\"");
	p = add_ids(p, l->pid, l->tid);
	p = ADD(p, "}\n");
	out->len += p - room;
	return true;
}

bool line_left_out(struct buf *out, const struct left_out *l)
{
	size_t rule = strlen(l->rule);
	char *room = buf_room(out, FIXED_BYTES + rule), *p = room;

	if (!room)
		return false;
	p = add_timestamp(p, l->at_ns);
	p = ADD(p, "\"SAMPLED\", \"count\": ");
	p = number_u64(p, l->count);
	p = ADD(p, ", \"rule\": \"");
	p = add(p, l->rule, rule);
	p = ADD(p, "\"}\n");
	out->len += p - room;
	return true;
}

bool line_state(struct buf *out, const struct state_change *c)
{
	size_t state = strlen(c->state), reason = c->reason ? strlen(c->reason) : 0;
	char *room = buf_room(out, FIXED_BYTES + state + reason), *p = room;

	if (!room)
		return false;
	p = add_timestamp(p, c->at_ns);
	p = ADD(p, "\"STATE\", \"state\": \"");
	p = add(p, c->state, state);
	p = ADD(p, "\"");
	if (reason) {
		p = ADD(p, ", \"reason\": \"");
		p = add(p, c->reason, reason);
		p = ADD(p, "\"");
	}
	p = ADD(p, "}\n");
	out->len += p - room;
	return true;
}

const char *line_event(enum line_type type)
{
	static const char *const names[] = {"ENTER", "EXIT", "EXCEPTION"};

	return names[type];
}
