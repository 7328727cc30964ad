/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "analyze/stats.h"

#define EXACT_BYTES (32u << 20) /* of all rows */

void stats_init(struct stats *s, enum stats_by by)
{
	*s = (struct stats){.by = by, .budget = {0, EXACT_BYTES}, .first_us = UINT64_MAX};
}

void stats_release(struct stats *s)
{
	for (size_t i = 0; i < s->rows; i++) {
		durations_release(&s->row[i]->durations, &s->budget);
		free(s->row[i]->name);
		free(s->row[i]);
	}
	free(s->row);
	map_release(&s->index);
	trace_calls_release(&s->calls);
	stacks_release(&s->stacks);
	trace_functions_release(&s->functions);
}

static char *thread_name(const struct trace_event *e)
{
	struct buf b = {0};
	char ids[40];
	char *name;

	if (e->thread.s)
		trace_text_put(&b, &e->thread);
	snprintf(ids, sizeof(ids), "%s%u/%u", b.len ? " " : "", e->pid, e->tid);
	buf_str(&b, ids);
	name = buf_dup(&b);
	buf_release(&b);
	return name;
}

static char *row_name(const struct stats *s, const struct trace_event *e,
		      const struct trace_function *f)
{
	struct buf b = {0};
	char *name;

	if (s->by == STATS_BY_THREAD)
		return thread_name(e);
	if (s->by == STATS_BY_FUNCTION)
		trace_function_label(&b, f);
	else
		buf_str(&b, f->module);
	name = buf_dup(&b);
	buf_release(&b);
	return name;
}

static struct stats_row *new_row(struct stats *s, const struct trace_event *e,
				 const struct trace_function *f)
{
	struct stats_row *row;

	if (s->rows == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct stats_row **more = realloc(s->row, room * sizeof(*more));

		if (!more)
			return NULL;
		s->row = more;
		s->room = room;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->name = row_name(s, e, f);
	if (!row->name) {
		free(row);
		return NULL;
	}
	row->function = s->by == STATS_BY_FUNCTION ? f : NULL;
	row->pid = e->pid;
	row->tid = e->tid;
	s->row[s->rows++] = row;
	return row;
}

/* The row that index has under this key, made when it is not there. */
static struct stats_row *indexed_row(struct stats *s, uint64_t a, uint64_t b,
				     const struct trace_event *e, const struct trace_function *f)
{
	struct stats_row *row = map_get(&s->index, a, b);

	if (row)
		return row;
	row = new_row(s, e, f);
	if (row && map_put(&s->index, a, b, row, NULL))
		return NULL;
	return row;
}

static struct stats_row *row_of(struct stats *s, const struct trace_event *e,
				struct trace_function *f)
{
	if (s->by == STATS_BY_THREAD)
		return indexed_row(s, e->pid, e->tid, e, f);
	if (!f->row && s->by == STATS_BY_FUNCTION)
		f->row = new_row(s, e, f);
	else if (!f->row) /* 128 bits of hash: no two modules share them */
		f->row = indexed_row(s, trace_hash(1, f->module, f->len[0]),
				     trace_hash(2, f->module, f->len[0]), e, f);
	return f->row;
}

/* Opens a call, or one of which only the end is in the trace. */
static struct trace_call *open_call(struct stats *s, const struct trace_event *e)
{
	struct trace_function *f = trace_functions_of(&s->functions, e);
	struct trace_call *call;
	struct stats_row *row = f ? row_of(s, e, f) : NULL;

	call = row ? trace_calls_open(&s->calls, e) : NULL;
	if (call) {
		call->function = f;
		call->row = row;
	}
	return call;
}

static int add_enter(struct stats *s, const struct trace_event *e)
{
	struct trace_call *call;

	if (!e->span || trace_calls_find(&s->calls, e->span))
		return 0;
	call = open_call(s, e);
	return call ? stacks_begin(&s->stacks, &s->calls, call, e) : -ENOMEM;
}

static int add_exception(struct stats *s, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&s->calls, e->span);

	if (!e->span)
		return 0; /* its EXIT says so too */
	if (!call)
		call = open_call(s, e);
	if (!call)
		return -ENOMEM;
	/* Counted with its EXIT, which decides whether the call is: see trace/filter.h. */
	call->raised = true;
	return 0;
}

static int count_call(struct stats *s, struct stats_row *row, const struct trace_event *e,
		      uint64_t self_us, uint64_t wait_us)
{
	uint64_t us = e->duration_us;

	if (e->left_out)
		return 0;
	row->calls++;
	row->lost += e->lost;
	row->self_us = add_capped(row->self_us, self_us);
	row->wait_us = add_capped(row->wait_us, wait_us);
	return durations_add(&row->durations, &s->budget, us);
}

/* A call without a number: nothing is known of it but its end. */
static int add_exit_alone(struct stats *s, const struct trace_event *e)
{
	struct trace_function *f = trace_functions_of(&s->functions, e);
	struct stats_row *row = f ? row_of(s, e, f) : NULL;

	if (!row)
		return -ENOMEM;
	s->without_span += !e->left_out;
	row->exceptions += e->has_exception && !e->left_out;
	return count_call(s, row, e, e->duration_us, 0);
}

static int add_exit(struct stats *s, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&s->calls, e->span);
	struct stats_row *row;
	int err;

	if (!e->span)
		return add_exit_alone(s, e);
	if (!call)
		call = open_call(s, e);
	if (!call)
		return -ENOMEM;
	row = call->row;
	s->unopened += !call->entered && !e->left_out;
	row->exceptions += (e->has_exception || call->raised) && !e->left_out;
	err = stacks_end(&s->stacks, &s->calls, call, e);
	if (!err)
		err = count_call(s, row, e, call->self_us, call->wait_us);
	trace_calls_close(&s->calls, call);
	return err;
}

int stats_add(struct stats *s, const struct trace_event *e)
{
	if (e->kind != TRACE_OTHER && !e->left_out) {
		if (e->timestamp_us < s->first_us)
			s->first_us = e->timestamp_us;
		if (e->timestamp_us > s->last_us)
			s->last_us = e->timestamp_us;
	}
	switch (e->kind) {
	case TRACE_ENTER:
		return add_enter(s, e);
	case TRACE_EXIT:
		return add_exit(s, e);
	case TRACE_EXCEPTION:
		return add_exception(s, e);
	case TRACE_LOST:
		if (!e->left_out)
			s->lost_events = add_capped(s->lost_events, e->count);
		break;
	case TRACE_SAMPLED:
		if (!e->left_out)
			s->sampled = add_capped(s->sampled, e->count);
		break;
	case TRACE_HTTP_RESPONSE:
		s->requests += !e->left_out;
		break;
	default:
		break;
	}
	return 0;
}

static void count_unfinished(void *arg, struct trace_call *call)
{
	struct stats_row *row = call->row;

	row->unfinished += !call->left_out;
	row->exceptions += call->raised && !call->left_out;
}

/* Rows of which nothing was counted, since all of it was left out. */
static void drop_empty(struct stats *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->rows; i++) {
		struct stats_row *row = s->row[i];

		if (row->calls || row->unfinished) {
			s->row[kept++] = row;
			continue;
		}
		durations_release(&row->durations, &s->budget);
		free(row->name);
		free(row);
	}
	s->rows = kept;
}

int stats_finish(struct stats *s)
{
	static const unsigned percent[] = {50, 95, 99};

	trace_calls_each(&s->calls, count_unfinished, NULL);
	drop_empty(s);
	for (size_t i = 0; i < s->rows; i++) {
		struct stats_row *row = s->row[i];
		uint64_t us[3];

		if (durations_percentiles(&row->durations, percent, 3, us))
			return -ENOMEM;
		row->p50_us = us[0];
		row->p95_us = us[1];
		row->p99_us = us[2];
	}
	return 0;
}
