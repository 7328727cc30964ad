/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "analyze/errors.h"

static void free_group(struct error_group *g)
{
	free(g->type);
	free(g->message);
	free(g->args);
	free(g->thread);
	free(g);
}

void errors_release(struct errors *s)
{
	for (size_t i = 0; i < s->groups; i++)
		free_group(s->group[i]);
	free(s->group);
	map_release(&s->index);
	trace_calls_release(&s->calls);
	trace_functions_release(&s->functions);
}

/* What tells one exception from another; never 0. */
static uint64_t error_hash(const struct trace_event *e)
{
	uint64_t h = trace_hash(1, e->exc_type.s, e->exc_type.len);

	h = trace_hash(h, e->exc_message.s, e->exc_message.len);
	return h ? h : 1;
}

static char *text_dup(const struct trace_text *t)
{
	struct buf b = {0};
	char *text;

	if (t->s)
		trace_text_put(&b, t);
	b.len = utf8_fit(b.s, b.len, ERRORS_TEXT_KEPT);
	text = buf_dup(&b);
	buf_release(&b);
	return text;
}

static bool make_room(struct errors *s)
{
	size_t room = s->room ? s->room * 2 : 64;
	struct error_group **more;

	if (s->groups < s->room)
		return true;
	more = realloc(s->group, room * sizeof(*more));
	if (!more)
		return false;
	s->group = more;
	s->room = room;
	return true;
}

static struct error_group *new_group(struct errors *s, const struct trace_event *e,
				     const struct trace_call *call, const char *file, uint64_t line)
{
	struct error_group *g = make_room(s) ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	g->type = text_dup(&e->exc_type);
	g->message = text_dup(&e->exc_message);
	g->thread = text_dup(&e->thread);
	g->args = buf_dup(&call->args);
	if (!g->type || !g->message || !g->thread || !g->args) {
		free_group(g);
		return NULL;
	}
	g->function = call->function;
	g->first_us = e->timestamp_us;
	g->file = file;
	g->line = line;
	g->pid = e->pid;
	g->tid = e->tid;
	g->chain_len = trace_calls_chain(&s->calls, call, g->chain, ERRORS_CHAIN);
	s->group[s->groups++] = g;
	return g;
}

/* An exception that came up in this call. */
static int count_new(struct errors *s, const struct trace_event *e, struct trace_call *call,
		     uint64_t hash, const char *file, uint64_t line)
{
	struct error_group *g = map_get(&s->index, hash, call->function->id);

	if (!g && s->groups == ERRORS_MAX) {
		s->others++;
		return 0;
	}
	if (!g) {
		g = new_group(s, e, call, file, line);
		if (!g || map_put(&s->index, hash, call->function->id, g, NULL))
			return -ENOMEM;
	}
	g->count++;
	g->last_us = e->timestamp_us;
	call->row = g;
	return 0;
}

static int leave(struct errors *s, const struct trace_event *e, struct trace_call *call,
		 const char *file, uint64_t line)
{
	uint64_t hash = error_hash(e);
	struct trace_call *parent;
	int err = 0;

	if (call->raised)
		return 0;
	call->raised = true;
	s->calls_left += !e->left_out;
	if (call->error != hash && !e->left_out)
		err = count_new(s, e, call, hash, file, line);
	else if (call->error == hash && call->row && !e->left_out)
		((struct error_group *)call->row)->passed++;
	/* Should it leave the caller too, it is the same one. */
	parent = trace_calls_find(&s->calls, call->parent);
	if (parent) {
		parent->error = hash;
		parent->row = call->row;
	}
	return err;
}

int errors_add(struct errors *s, const struct trace_event *e, const char *file, uint64_t line)
{
	struct trace_call *call = trace_calls_find(&s->calls, e->span);
	bool raises = e->kind == TRACE_EXCEPTION || (e->kind == TRACE_EXIT && e->has_exception);
	struct trace_call alone = {.parent = e->parent};
	int err = 0;

	if (e->kind == TRACE_ENTER)
		return call || !e->span || trace_calls_begin(&s->calls, &s->functions, e) ? 0
											  : -ENOMEM;
	if (raises && !call && e->span)
		call = trace_calls_begin(&s->calls, &s->functions, e);
	if (raises && call) {
		err = leave(s, e, call, file, line);
	} else if (e->kind == TRACE_EXIT &&
		   raises) { /* without a span only EXIT is sure to be there */
		alone.function = trace_functions_of(&s->functions, e);
		err = alone.function ? leave(s, e, &alone, file, line) : -ENOMEM;
	}
	if (call && e->kind == TRACE_EXIT)
		trace_calls_close(&s->calls, call);
	return err;
}

static int most_first(const void *a, const void *b)
{
	const struct error_group *x = *(struct error_group *const *)a;
	const struct error_group *y = *(struct error_group *const *)b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->first_us > y->first_us) - (x->first_us < y->first_us);
}

void errors_finish(struct errors *s)
{
	if (s->groups)
		qsort(s->group, s->groups, sizeof(*s->group), most_first);
}
