/* SPDX-License-Identifier: MIT */
/*
 * One line of a trace: whatever it holds, every text that comes out lies within it and can be
 * read, and what is an event stays one when it is read again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "read/parse.h"

static void use_text(const struct trace_event *e, const struct trace_text *t)
{
	struct buf plain = {0};

	if (!t->s)
		return;
	if (t->s < e->whole.s || t->s + t->len > e->whole.s + e->whole.len)
		abort();
	trace_text_put(&plain, t);
	if (plain.len > t->len || (!t->escaped && plain.len != t->len))
		abort();
	if (!trace_text_is(t, plain.s, plain.len) && plain.len)
		abort();
	buf_release(&plain);
}

static void use_event(const struct trace_event *e)
{
	for (size_t i = 0; i < trace_field_count; i++) {
		const struct trace_field *f = &trace_fields[i];

		if (f->kind <= TRACE_FIELD_RAW || f->kind == TRACE_FIELD_EVENT)
			use_text(e, (const struct trace_text *)((const char *)e + f->at));
	}
	use_text(e, &e->exc_type);
	use_text(e, &e->exc_message);
	if (e->timestamp_us > INT64_MAX || e->span > INT64_MAX || e->kind >= TRACE_KINDS)
		abort();
}

int fuzz_trace_line(const uint8_t *data, size_t size)
{
	struct trace_fault fault = {0};
	struct trace_event e;
	enum trace_verdict verdict = trace_parse((const char *)data, size, &e, &fault);

	if (verdict == TRACE_IS_EVENT)
		use_event(&e);
	else if (verdict != TRACE_IS_BLANK && (!fault.what || fault.at > size))
		abort();
	return 0;
}
