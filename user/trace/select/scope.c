/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "select/glob.h"
#include "select/scope.h"

void trace_scope_release(struct trace_scope *s)
{
	buf_release(&s->label);
}

static bool is_like(const char *pattern, const char *s, size_t len)
{
	return glob_matches(pattern, strlen(pattern), s, len);
}

static bool is_thread(struct trace_scope *s, const struct trace_event *e)
{
	char ids[32];
	const char *tid;

	snprintf(ids, sizeof(ids), "%" PRIu32 "/%" PRIu32, e->pid, e->tid);
	tid = strchr(ids, '/') + 1;
	if (!strcmp(s->thread, ids) || !strcmp(s->thread, tid))
		return true;
	buf_clear(&s->label);
	if (e->thread.s)
		trace_text_put(&s->label, &e->thread);
	return s->label.len && is_like(s->thread, s->label.s, s->label.len);
}

bool trace_scope_has(struct trace_scope *s, const struct trace_event *e)
{
	if (s->request && !trace_text_is(&e->request_id, s->request, strlen(s->request)))
		return false;
	return !s->thread || is_thread(s, e);
}

bool trace_scope_begins(struct trace_scope *s, const struct trace_function *f)
{
	if (!s->function || is_like(s->function, f->name, f->len[2]))
		return true;
	buf_clear(&s->label);
	trace_function_label(&s->label, f);
	return s->label.len && is_like(s->function, s->label.s, s->label.len);
}
