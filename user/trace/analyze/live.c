/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "analyze/live.h"

#define EXACT_BYTES (8u << 20) /* durations of all rows */
#define CHAIN_MAX 64	       /* calls below that are looked at for recursion */

void live_init(struct live *l, uint64_t now_us)
{
	*l = (struct live){
		.budget = {0, EXACT_BYTES},
		.from_us = now_us,
		.most_functions = LIVE_FUNCTIONS_MAX,
		.most_calls = LIVE_CALLS_MAX,
		.late_us = LIVE_LATE_US,
	};
}

static void free_rows(struct live *l)
{
	for (size_t i = 0; i < l->rows; i++) {
		durations_release(&l->row[i]->durations, &l->budget);
		free(l->row[i]->name);
		free(l->row[i]);
	}
	free(l->row);
	l->row = NULL;
	l->rows = l->room = 0;
}

static void forget_calls(struct live *l)
{
	trace_calls_release(&l->calls);
	stacks_release(&l->stacks);
	l->calls = (struct trace_calls){0};
	l->stacks = (struct stacks){0};
}

static void forget_functions(struct live *l)
{
	forget_calls(l); /* they point to rows */
	free_rows(l);
	trace_functions_release(&l->functions);
	l->functions = (struct trace_functions){0};
}

void live_release(struct live *l)
{
	forget_functions(l);
	durations_release(&l->sums.durations, &l->budget);
}

/* ---- rows ------------------------------------------------------------------------------- */

static struct live_row *new_row(struct live *l, const struct trace_function *f)
{
	struct live_row *row;
	struct buf label = {0};

	if (l->rows == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct live_row **more = realloc(l->row, room * sizeof(*more));

		if (!more)
			return NULL;
		l->row = more;
		l->room = room;
	}
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	trace_function_label(&label, f);
	row->name = buf_dup(&label);
	buf_release(&label);
	if (!row->name) {
		free(row);
		return NULL;
	}
	row->function = f;
	return l->row[l->rows++] = row;
}

/* The event's function, with its row; NULL without memory. */
static struct trace_function *function_of(struct live *l, const struct trace_event *e)
{
	struct trace_function *f;

	if (l->functions.count >= l->most_functions)
		forget_functions(l);
	f = trace_functions_of(&l->functions, e);
	if (f && !f->row)
		f->row = new_row(l, f);
	return f && f->row ? f : NULL;
}

/* ---- calls ------------------------------------------------------------------------------- */

/* Counts a call until it has lasted so long; what is counted already may be more. */
static void count_time(struct trace_call *call, uint64_t us)
{
	struct live_row *row = call->row;

	if (!call->nested)
		row->total_us += (int64_t)us - (int64_t)call->counted_us;
	call->counted_us = us;
}

/* The same for what it ran itself, and was suspended. */
static void count_self(struct trace_call *call, uint64_t self_us, uint64_t wait_us)
{
	struct live_row *row = call->row;

	row->self_us += (int64_t)self_us - (int64_t)call->counted_self_us;
	row->wait_us += (int64_t)wait_us - (int64_t)call->counted_wait_us;
	call->counted_self_us = self_us;
	call->counted_wait_us = wait_us;
}

static bool is_nested(const struct live *l, const struct trace_call *call)
{
	const struct trace_function *f = call->function;

	for (int i = 0; i < CHAIN_MAX; i++) {
		call = trace_calls_find(&l->calls, call->parent);
		if (!call || call->function == f)
			return call != NULL;
	}
	return false;
}

static struct trace_call *open_call(struct live *l, const struct trace_event *e)
{
	struct trace_function *f = function_of(l, e);
	struct trace_call *call;

	if (l->calls.open.count >= l->most_calls)
		forget_calls(l);
	call = f ? trace_calls_open(&l->calls, e) : NULL;
	if (!call)
		return NULL;
	call->function = f;
	call->row = f->row;
	call->nested = is_nested(l, call);
	return call;
}

static int add_enter(struct live *l, const struct trace_event *e)
{
	struct trace_call *call;

	if (!e->span || trace_calls_find(&l->calls, e->span))
		return 0;
	call = open_call(l, e);
	return call ? stacks_begin(&l->stacks, &l->calls, call, e) : -ENOMEM;
}

/* Of a call that was not followed, only what may lie in this window is counted. */
static uint64_t before_window(const struct live *l, const struct trace_event *e)
{
	uint64_t inside = e->timestamp_us > l->from_us ? e->timestamp_us - l->from_us : 0;

	return e->duration_us > inside ? e->duration_us - inside : 0;
}

static bool is_orphan(const struct live *l, const struct trace_call *call)
{
	return call->parent && !trace_calls_find(&l->calls, call->parent);
}

/* Of a call that was not followed, no more than fits into this window. */
static void count_end(const struct live *l, struct trace_call *call, const struct trace_event *e)
{
	uint64_t inside = e->timestamp_us > l->from_us ? e->timestamp_us - l->from_us : 0;

	if (call->entered && !is_orphan(l, call))
		inside = e->duration_us;
	if (call->self_us > call->counted_self_us + inside)
		call->counted_self_us = call->self_us - inside;
	if (call->wait_us > call->counted_wait_us + inside)
		call->counted_wait_us = call->wait_us - inside;
	count_self(call, call->self_us, call->wait_us);
}

static int add_exit(struct live *l, const struct trace_event *e)
{
	struct trace_call *call = trace_calls_find(&l->calls, e->span);
	struct live_row *row;
	int err;

	if (call && is_orphan(l, call) && call->counted_us < before_window(l, e))
		call->counted_us = before_window(l, e);
	if (!call) {
		call = open_call(l, e);
		if (!call)
			return -ENOMEM;
		call->counted_us = before_window(l, e);
	}
	row = call->row;
	row->calls++;
	row->errors += e->has_exception;
	err = durations_add(&row->durations, &l->budget, e->duration_us);
	if (!err)
		err = stacks_end(&l->stacks, &l->calls, call, e);
	count_time(call, e->duration_us);
	count_end(l, call, e);
	trace_calls_close(&l->calls, call);
	return err;
}

static int add_response(struct live *l, const struct trace_event *e)
{
	l->requests_seen = true;
	l->sums.requests++;
	l->sums.failures += e->status_code >= 500;
	return durations_add(&l->sums.durations, &l->budget, e->duration_us);
}

int live_add(struct live *l, const struct trace_event *e)
{
	bool event = !trace_is_note(e->kind);

	l->sums.events += event;
	l->all_events += event;
	switch (e->kind) {
	case TRACE_ENTER:
		return add_enter(l, e);
	case TRACE_EXIT:
		return add_exit(l, e);
	case TRACE_HTTP_RESPONSE:
		return add_response(l, e);
	case TRACE_LOST:
		l->sums.lost = add_capped(l->sums.lost, e->count);
		l->all_lost = add_capped(l->all_lost, e->count);
		return 0;
	default:
		return 0;
	}
}

/* ---- windows ------------------------------------------------------------------------------ */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A call whose caller has ended may be a generator that will not be resumed, of which no event
 * tells: it counts when it ends, if it does. */
static void count_running(void *arg, struct trace_call *call)
{
	struct live *l = arg;
	uint64_t until_us = l->to_us - l->late_us;

	if (until_us > call->start_us + call->counted_us && !is_orphan(l, call))
		count_time(call, until_us - call->start_us);
	if (until_us > call->start_us)
		count_self(call,
			   least(stacks_self_us(&l->stacks, call, until_us),
				 until_us - call->start_us),
			   least(stacks_wait_us(call, until_us), until_us - call->start_us));
}

bool live_row_is_seen(const struct live_row *row)
{
	return row->calls || row->total_us > 0;
}

int live_close(struct live *l, uint64_t now_us)
{
	static const unsigned percent[] = {95};
	int err = durations_percentiles(&l->sums.durations, percent, 1, &l->sums.p95_us);

	l->to_us = now_us > l->from_us ? now_us : l->from_us;
	trace_calls_each(&l->calls, count_running, l);
	for (size_t i = 0; i < l->rows && !err; i++) {
		struct live_row *row = l->row[i];

		/* What was counted too early. */
		if (row->total_us < 0)
			row->total_us = 0;
		if (row->self_us < 0)
			row->self_us = 0;
		if (row->wait_us < 0)
			row->wait_us = 0;
		err = durations_percentiles(&row->durations, percent, 1, &row->p95_us);
	}
	return err;
}

void live_next(struct live *l)
{
	for (size_t i = 0; i < l->rows; i++) {
		struct live_row *row = l->row[i];

		row->calls = row->errors = 0;
		row->total_us = row->self_us = row->wait_us = 0;
		durations_release(&row->durations, &l->budget);
	}
	durations_release(&l->sums.durations, &l->budget);
	stacks_sweep(&l->stacks);
	l->sums = (struct live_sums){0};
	l->from_us = l->to_us;
}
