/* SPDX-License-Identifier: MIT */
/*
 * A row for each call that ended, as RFC 4180 has it. A spreadsheet takes a cell that begins with
 * "=", "+", "-" or "@" for a formula, whatever wrote it into the traced program: unless it is a
 * number, such a text gets an apostrophe in front.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"
#include "export/export.h"
#include "calls/stacks.h"
#include "calls/durations.h"

struct csv {
	struct export_to *to;
	struct trace_functions functions;
	struct trace_calls calls;
	struct stacks stacks;
	struct buf text; /* scratch */
	struct export_notes notes;
};

static int start(struct export_to *to, const char *title, void **ret_state, struct why *w)
{
	struct csv *c = calloc(1, sizeof(*c));

	if (!c)
		return why(w, -ENOMEM, "out of memory");
	c->to = to;
	BUF_LITERAL(&to->b, "start_us,duration_us,self_us,pid,tid,thread,module,class,function,"
			    "file,line,span,parent,request_id,args,result,exception_type,"
			    "exception_message,lost,wait_us\r\n");
	*ret_state = c;
	return 0;
}

static void stop(void *state)
{
	struct csv *c = state;

	if (!c)
		return;
	trace_calls_release(&c->calls);
	stacks_release(&c->stacks);
	trace_functions_release(&c->functions);
	buf_release(&c->text);
	free(c);
}

static void put_number(struct csv *c, uint64_t n)
{
	buf_u64(&c->to->b, n);
	buf_char(&c->to->b, ',');
}

static void put_char(struct buf *b, uint32_t ch)
{
	char bytes[UTF8_MAX];

	if (ch == '"')
		buf_char(b, '"');
	buf_add(b, bytes, (size_t)(utf8_put(bytes, ch) - bytes));
}

/* Also after what a spreadsheet drops, and in the wide forms of East Asian keyboards. */
static bool begins_formula(uint32_t ch)
{
	return ch == '=' || ch == '+' || ch == '-' || ch == '@' || ch == '\t' || ch == '\r' ||
	       ch == '\n' || ch == 0xff1d || ch == 0xff0b || ch == 0xff0d || ch == 0xff20;
}

/* "-1", "+2.5e-3": a sign, digits, and no more. */
static bool is_number(const char *s, const char *end)
{
	bool digits = false, point = false;

	for (s += *s == '-' || *s == '+'; s < end && (*s != 'e' && *s != 'E'); s++) {
		if (*s == '.' ? point : *s < '0' || *s > '9')
			return false;
		point |= *s == '.';
		digits |= *s != '.';
	}
	if (s == end || !digits)
		return digits;
	for (s++, s += s < end && (*s == '-' || *s == '+'), digits = false; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		digits = true;
	}
	return digits;
}

static bool is_formula(const char *s, const char *end)
{
	const char *next = s;

	return begins_formula(utf8_get_whole(&next, end)) && !is_number(s, end);
}

static void put_bytes(struct csv *c, const char *s, size_t len)
{
	struct buf *b = &c->to->b;

	if (len) { /* else s may be NULL */
		const char *end = s + len;

		buf_char(b, '"');
		if (is_formula(s, end))
			buf_char(b, '\'');
		while (s < end)
			put_char(b, utf8_get_whole(&s, end));
		buf_char(b, '"');
	}
	buf_char(b, ',');
}

static void put_text(struct csv *c, const struct trace_text *t)
{
	buf_clear(&c->text);
	if (t->s)
		trace_text_put(&c->text, t);
	put_bytes(c, c->text.s, c->text.len);
}

static void put_string(struct csv *c, const char *s)
{
	put_bytes(c, s, strlen(s));
}

static void put_row(struct csv *c, const struct trace_event *e, const struct trace_call *call,
		    uint64_t start_us)
{
	const struct trace_function *f = call->function;

	put_number(c, start_us);
	put_number(c, e->duration_us);
	put_number(c, call->self_us);
	put_number(c, e->pid);
	put_number(c, e->tid);
	put_text(c, &e->thread);
	put_string(c, f->module);
	put_string(c, f->class_name);
	put_string(c, f->name);
	put_string(c, f->file);
	put_number(c, f->line);
	put_number(c, e->span);
	put_number(c, e->parent);
	put_text(c, &e->request_id);
	put_bytes(c, call->args.s, call->args.len);
	put_text(c, &e->result);
	put_text(c, &e->exc_type);
	put_text(c, &e->exc_message);
	buf_str(&c->to->b, e->lost ? "1," : "0,");
	buf_u64(&c->to->b, call->wait_us);
	BUF_LITERAL(&c->to->b, "\r\n");
	c->notes.calls++;
}

static int add_exit(struct csv *c, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&c->calls, e->span);
	struct trace_call alone = {.parent = e->parent, .self_us = e->duration_us};
	int err;

	if (!call) {
		alone.function = trace_functions_of(&c->functions, e);
		if (!alone.function)
			return -ENOMEM;
		put_row(c, e, &alone,
			e->timestamp_us > e->duration_us ? e->timestamp_us - e->duration_us : 0);
		return 0;
	}
	err = stacks_end(&c->stacks, &c->calls, call, e);
	put_row(c, e, call, call->start_us);
	trace_calls_close(&c->calls, call);
	return err;
}

static int add_enter(struct csv *c, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_begin(&c->calls, &c->functions, e);

	return call ? stacks_begin(&c->stacks, &c->calls, call, e) : -ENOMEM;
}

static int csv_add(void *state, const struct trace_event *e, struct why *w)
{
	struct csv *c = state;
	int err = 0;

	if (e->kind == TRACE_ENTER && e->span && !trace_calls_find(&c->calls, e->span))
		err = add_enter(c, e);
	else if (e->kind == TRACE_EXIT)
		err = add_exit(c, e);
	return err ? why(w, err, "out of memory") : export_to_spare(c->to, w);
}

static int csv_finish(void *state, struct export_notes *ret_notes, struct why *w)
{
	struct csv *c = state;

	*ret_notes = c->notes;
	return export_to_flush(c->to, w);
}

const struct export_format export_csv = {
	.name = "csv",
	.start = start,
	.add = csv_add,
	.finish = csv_finish,
	.stop = stop,
};
