/* SPDX-License-Identifier: MIT */
/*
 * The field order (contract, section 1) is the order of the functions below.
 */
#include "base/json.h"
#include "base/number.h"
#include "ft_abi.h"
#include "sink/line.h"

/* Everything but the parts whose length is counted in line_bound(). */
#define FIXED_BYTES 768

/* p has room: line_bound() saw to it. */
static inline char *add(char *p, const char *s, size_t len)
{
	memcpy(p, s, len);
	return p + len;
}

#define ADD(p, literal) add(p, literal, sizeof(literal) - 1)

static size_t http_bound(const struct line *l)
{
	const struct http *h = l->http;

	return (l->request_id ? l->request_id->len : 0) +
	       (h ? h->id.len + h->method.len + h->path.len + h->remote_addr.len + h->user_agent.len
		  : 0);
}

static size_t line_bound(const struct line *l, size_t thread, size_t head, size_t tail)
{
	return FIXED_BYTES + head + tail + (l->full_log_file ? strlen(l->full_log_file) : 0) +
	       l->stack.len +
	       JSON_GROWTH * (thread + l->value.len + l->exc_type.len + l->exc_message.len +
			      http_bound(l));
}

static char *add_text(char *p, const struct text *t)
{
	*p++ = '"';
	p = json_escape_to(p, t->s, t->len);
	*p++ = '"';
	return p;
}

static char *add_exception(char *p, const struct line *l)
{
	p = ADD(p, "\"exception\": {\"type\": ");
	p = add_text(p, &l->exc_type);
	p = ADD(p, ", \"message\": ");
	p = add_text(p, &l->exc_message);
	return ADD(p, "}");
}

static char *add_durations(char *p, const struct line *l)
{
	uint64_t us = l->duration_ns / 1000;

	p = ADD(p, "\"durationMicros\": ");
	p = number_u64(p, us);
	p = ADD(p, ", \"durationMillis\": ");
	p = number_u64(p, us / 1000);
	return ADD(p, ", ");
}

static char *add_body(char *p, const struct line *l)
{
	if (l->type == LINE_ENTER || l->type == LINE_EXIT) {
		p = l->type == LINE_ENTER ? ADD(p, "\"args\": ") : ADD(p, "\"result\": ");
		p = add_text(p, &l->value);
		p = ADD(p, ", ");
	}
	if (l->type == LINE_EXCEPTION) {
		p = add_exception(p, l);
		p = ADD(p, ", ");
	}
	return l->type == LINE_ENTER ? p : add_durations(p, l);
}

static char *add_ids(char *p, const struct line *l)
{
	p = ADD(p, ", \"pid\": ");
	p = number_u64(p, l->pid);
	p = ADD(p, ", \"tid\": ");
	return number_u64(p, l->tid);
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

static char *add_truncated(char *p, const struct line *l)
{
	bool first = true;

	p = add_truncated_field(p, l->type == LINE_ENTER ? "args" : "result", &l->value,
				l->threshold, &first);
	p = add_truncated_field(p, "exception", &l->exc_message, l->threshold, &first);
	p = add_truncated_field(p, "stack", &l->stack, FT_MAX_STACK, &first);
	return first ? p : ADD(p, "}");
}

static char *add_full_log_file(char *p, const struct line *l)
{
	if (!l->full_log_file)
		return p;
	p = ADD(p, ", \"fullLogFile\": \"");
	p = add(p, l->full_log_file, strlen(l->full_log_file));
	return ADD(p, "\"");
}

static char *add_head(char *p, const struct line *l)
{
	p = ADD(p, "{\"timestamp\": ");
	p = number_u64(p, l->timestamp_us);
	p = ADD(p, ", \"event\": ");
	switch (l->type) {
	case LINE_ENTER:
		return ADD(p, "\"ENTER\", ");
	case LINE_EXIT:
		return ADD(p, "\"EXIT\", ");
	case LINE_EXCEPTION:
		return ADD(p, "\"EXCEPTION\", ");
	case LINE_LOST:
		return ADD(p, "\"LOST\", ");
	case LINE_HTTP_REQUEST:
		return ADD(p, "\"HTTP_REQUEST\", ");
	case LINE_HTTP_RESPONSE:
		return ADD(p, "\"HTTP_RESPONSE\", ");
	}
	return p;
}

static char *add_lost(char *p, const struct line *l)
{
	p = add_head(p, l);
	p = ADD(p, "\"count\": ");
	p = number_u64(p, l->count);
	p = ADD(p, ", \"reason\": \"");
	p = add(p, l->reason, strlen(l->reason));
	p = ADD(p, "\"");
	p = add_ids(p, l);
	return ADD(p, "}\n");
}

static char *add_text_or_null(char *p, const struct text *t)
{
	return t->s ? add_text(p, t) : ADD(p, "null");
}

static char *add_http(char *p, const struct line *l, size_t thread)
{
	p = add_head(p, l);
	p = ADD(p, "\"request_id\": ");
	p = add_text_or_null(p, &l->http->id);
	p = ADD(p, ", \"method\": ");
	p = add_text_or_null(p, &l->http->method);
	p = ADD(p, ", \"path\": ");
	p = add_text_or_null(p, &l->http->path);
	if (l->type == LINE_HTTP_REQUEST) {
		p = ADD(p, ", \"remote_addr\": ");
		p = add_text_or_null(p, &l->http->remote_addr);
		p = ADD(p, ", \"user_agent\": ");
		p = add_text_or_null(p, &l->http->user_agent);
	} else {
		p = ADD(p, ", \"status_code\": ");
		p = l->http->status ? number_u64(p, l->http->status) : ADD(p, "null");
		p = ADD(p, ", ");
		p = add_durations(p, l);
		p -= 2; /* its comma: add_ids() brings its own */
	}
	p = add_ids(p, l);
	p = ADD(p, ", \"thread\": \"");
	p = json_escape_to(p, l->thread, thread);
	return ADD(p, "\"}\n");
}

static char *add_call(char *p, const struct line *l, size_t thread, size_t head, size_t tail)
{
	p = add_head(p, l);
	p = ADD(p, "\"thread\": \"");
	p = json_escape_to(p, l->thread, thread);
	p = ADD(p, "\", ");
	p = add(p, l->function->json_head, head);
	p = ADD(p, ", ");
	p = add_body(p, l);
	p = add(p, l->function->json_tail, tail);
	p = add_ids(p, l);
	p = ADD(p, ", \"span\": ");
	p = number_u64(p, l->span);
	p = ADD(p, ", \"parent\": ");
	p = number_u64(p, l->parent);
	if (l->request_id) {
		p = ADD(p, ", \"request_id\": ");
		p = add_text(p, l->request_id);
	}
	if (l->type == LINE_EXIT && l->has_exception) { /* not in its row: at the end */
		p = ADD(p, ", ");
		p = add_exception(p, l);
	}
	if (l->type == LINE_EXCEPTION && l->stack.s) {
		p = ADD(p, ", \"stack\": ");
		p = add(p, l->stack.s, l->stack.len);
	}
	p = add_truncated(p, l);
	p = add_full_log_file(p, l);
	if (l->lost)
		p = ADD(p, ", \"lost\": true");
	return ADD(p, "}\n");
}

bool line_format(struct buf *out, const struct line *l)
{
	bool call = !l->http && l->type != LINE_LOST;
	size_t thread = l->thread ? strlen(l->thread) : 0;
	size_t head = call ? strlen(l->function->json_head) : 0;
	size_t tail = call ? strlen(l->function->json_tail) : 0;
	char *room = buf_room(out, line_bound(l, thread, head, tail)), *end;

	if (!room)
		return false;
	if (call)
		end = add_call(room, l, thread, head, tail);
	else
		end = l->http ? add_http(room, l, thread) : add_lost(room, l);
	out->len += end - room;
	return true;
}
