/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/trace_check.h"
#include "calls/durations.h"

const char *const check_names[CHECK_FINDINGS] = {
	[CHECK_NOT_OPENED] = "notOpened",
	[CHECK_OPENED_TWICE] = "openedTwice",
	[CHECK_OTHER_FUNCTION] = "otherFunction",
	[CHECK_NO_PARENT] = "noParent",
	[CHECK_NO_SPAN] = "noSpan",
	[CHECK_ORDER] = "order",
	[CHECK_EXCEPTION_ALONE] = "exceptionAlone",
	[CHECK_RESPONSE_ALONE] = "responseAlone",
	[CHECK_LOST_EXIT] = "lostExit",
	[CHECK_UNFINISHED] = "unfinished",
	[CHECK_UNANSWERED] = "unanswered",
	[CHECK_ATTACHED_AGAIN] = "attachedAgain",
};

const char *const check_texts[CHECK_FINDINGS] = {
	[CHECK_NOT_OPENED] = "a call ends that did not begin",
	[CHECK_OPENED_TWICE] = "a call begins that is open already",
	[CHECK_OTHER_FUNCTION] = "a call ends under another function's name",
	[CHECK_NO_PARENT] = "a call begins whose parent is not open",
	[CHECK_NO_SPAN] = "a call has no span",
	[CHECK_ORDER] = "a line is earlier than the previous one of its thread",
	[CHECK_EXCEPTION_ALONE] = "an EXCEPTION without its EXIT as the thread's next line",
	[CHECK_RESPONSE_ALONE] = "a response without its request",
	[CHECK_LOST_EXIT] = "calls whose end was lost",
	[CHECK_UNFINISHED] = "calls that did not end",
	[CHECK_UNANSWERED] = "requests without a response",
	[CHECK_ATTACHED_AGAIN] = "tracing began again, after a time that is not in the trace",
};

struct check_thread {
	uint64_t last_us;
	uint64_t raised; /* span whose EXIT must come next; 0: none */
	struct check_place raised_at;
};

struct check_request {
	uint64_t count; /* open under this id */
	struct check_place first;
};

static bool free_value(void *arg, const struct map_slot *s)
{
	free(s->value);
	return true;
}

void trace_check_release(struct trace_check *c)
{
	map_sweep(&c->threads, free_value, NULL);
	map_sweep(&c->requests, free_value, NULL);
	map_release(&c->threads);
	map_release(&c->requests);
	trace_calls_release(&c->calls);
	trace_functions_release(&c->functions);
}

static void found_times(struct trace_check *c, enum check_finding what,
			const struct check_place *at, uint64_t times)
{
	struct check_count *f = &c->finding[what];

	for (size_t i = 0; i < CHECK_PLACES; i++) {
		if (!f->place[i].line) {
			f->place[i] = *at;
			break;
		}
	}
	f->count += times;
}

static void found(struct trace_check *c, enum check_finding what, const struct check_place *at)
{
	found_times(c, what, at, 1);
}

/* The entry of this key, made when it is not there. */
static void *entry(struct map *m, uint64_t a, uint64_t b, size_t size)
{
	void *value = map_get(m, a, b);

	if (value)
		return value;
	value = calloc(1, size);
	if (value && map_put(m, a, b, value, NULL)) {
		free(value);
		return NULL;
	}
	return value;
}

/*
 * A call left by an exception has the time when that was last seen in it; what it then did in a
 * `finally` is later, though its lines come before.
 */
static bool by_exception(const struct trace_event *e)
{
	return e->kind == TRACE_EXCEPTION || (e->kind == TRACE_EXIT && e->has_exception);
}

/* The lines of a thread. LOST lines are about a time that is over, others about no thread. */
static int check_thread(struct trace_check *c, const struct trace_event *e,
			const struct check_place *at)
{
	struct check_thread *t;

	if (trace_is_note(e->kind) || e->kind == TRACE_OTHER)
		return 0;
	t = entry(&c->threads, e->pid, e->tid, sizeof(*t));
	if (!t)
		return -ENOMEM;
	if (e->timestamp_us < t->last_us && !by_exception(e))
		found(c, CHECK_ORDER, at);
	if (e->timestamp_us > t->last_us || !by_exception(e))
		t->last_us = e->timestamp_us;
	if (t->raised && (e->kind != TRACE_EXIT || e->span != t->raised))
		found(c, CHECK_EXCEPTION_ALONE, &t->raised_at);
	t->raised = e->kind == TRACE_EXCEPTION ? e->span : 0;
	t->raised_at = *at;
	return 0;
}

static int check_enter(struct trace_check *c, const struct trace_event *e,
		       const struct check_place *at)
{
	struct trace_call *call;

	if (e->parent && !trace_calls_find(&c->calls, e->parent))
		found(c, CHECK_NO_PARENT, at);
	if (trace_calls_find(&c->calls, e->span)) {
		found(c, CHECK_OPENED_TWICE, at);
		return 0;
	}
	call = trace_calls_open(&c->calls, e);
	if (!call)
		return -ENOMEM;
	call->function = trace_functions_of(&c->functions, e);
	call->file = at->file;
	call->line = at->line;
	return call->function ? 0 : -ENOMEM;
}

/* An EXCEPTION, or an EXIT, which closes it. */
static int check_leave(struct trace_check *c, const struct trace_event *e,
		       const struct check_place *at)
{
	struct trace_call *call = trace_calls_find(&c->calls, e->span);

	if (!call) {
		found(c, CHECK_NOT_OPENED, at);
		return 0;
	}
	if (call->function != trace_functions_of(&c->functions, e))
		found(c, CHECK_OTHER_FUNCTION, at);
	if (e->timestamp_us < call->start_us && by_exception(e))
		found(c, CHECK_ORDER, at);
	if (e->kind != TRACE_EXIT)
		return 0;
	if (e->lost)
		found(c, CHECK_LOST_EXIT, at);
	trace_calls_close(&c->calls, call);
	return 0;
}

static int check_call(struct trace_check *c, const struct trace_event *e,
		      const struct check_place *at)
{
	if (!e->span) {
		found(c, CHECK_NO_SPAN, at);
		return 0;
	}
	return e->kind == TRACE_ENTER ? check_enter(c, e, at) : check_leave(c, e, at);
}

/* Requests may share an id that their clients made up: they are counted. */
static int check_http(struct trace_check *c, const struct trace_event *e,
		      const struct check_place *at)
{
	uint64_t a = trace_hash(1, e->request_id.s, e->request_id.len);
	uint64_t b = trace_hash(2, e->request_id.s, e->request_id.len);
	struct check_request *r;

	if (e->kind == TRACE_HTTP_REQUEST) {
		r = entry(&c->requests, a, b, sizeof(*r));
		if (!r)
			return -ENOMEM;
		if (!r->count++)
			r->first = *at;
		return 0;
	}
	r = map_get(&c->requests, a, b);
	if (!r) {
		found(c, CHECK_RESPONSE_ALONE, at);
	} else if (!--r->count) {
		map_take(&c->requests, a, b);
		free(r);
	}
	return 0;
}

static void check_lost(struct trace_check *c, const struct trace_event *e)
{
	struct buf reason = {0};
	struct check_loss *l = c->loss;
	size_t size = sizeof(l->reason), len;

	if (e->reason.s)
		trace_text_put(&reason, &e->reason);
	len = reason.len < size ? reason.len : size - 1;
	for (; l < c->loss + c->losses; l++)
		if (strlen(l->reason) == len && (!len || !memcmp(l->reason, reason.s, len)))
			break;
	if (l == c->loss + CHECK_REASONS) {
		l--;
		strcpy(l->reason, "other reasons");
	} else if (l == c->loss + c->losses) {
		c->losses++;
		if (len)
			memcpy(l->reason, reason.s, len);
	}
	l->count = add_capped(l->count, e->count);
	buf_release(&reason);
}

/* A run that was killed has no "detached", so it is the next "attached" that counts. */
static void check_state(struct trace_check *c, const struct trace_event *e,
			const struct check_place *at)
{
	if (c->state_seen && trace_text_is(&e->state, "attached", 8))
		found(c, CHECK_ATTACHED_AGAIN, at);
	c->state_seen = true;
}

int trace_check_add(struct trace_check *c, const struct trace_event *e, const char *file,
		    uint64_t line)
{
	struct check_place at = {file, line};
	int err = check_thread(c, e, &at);

	c->events[e->kind]++;
	if (err)
		return err;
	switch (e->kind) {
	case TRACE_ENTER:
	case TRACE_EXIT:
	case TRACE_EXCEPTION:
		return check_call(c, e, &at);
	case TRACE_HTTP_REQUEST:
	case TRACE_HTTP_RESPONSE:
		return check_http(c, e, &at);
	case TRACE_LOST:
		check_lost(c, e);
		return 0;
	case TRACE_SAMPLED:
		c->sampled = add_capped(c->sampled, e->count);
		return 0;
	case TRACE_STATE:
		check_state(c, e, &at);
		return 0;
	default:
		return 0;
	}
}

/* What is open lies in tables without order: of its places the first ones are wanted. */
static void keep_first(struct check_count *f, const struct check_place *at, uint64_t times)
{
	struct check_place place = *at, other;

	f->count += times;
	for (size_t i = 0; i < CHECK_PLACES; i++) {
		if (f->place[i].line &&
		    (f->place[i].file != place.file || f->place[i].line <= place.line))
			continue;
		other = f->place[i];
		f->place[i] = place;
		place = other;
		if (!place.line)
			break;
	}
}

static void count_unfinished(void *arg, struct trace_call *call)
{
	struct trace_check *c = arg;

	keep_first(&c->finding[CHECK_UNFINISHED], &(struct check_place){call->file, call->line}, 1);
}

void trace_check_finish(struct trace_check *c)
{
	trace_calls_each(&c->calls, count_unfinished, c);
	for (size_t i = 0; i < c->requests.size; i++) {
		struct check_request *r = c->requests.slot[i].value;

		if (r)
			keep_first(&c->finding[CHECK_UNANSWERED], &r->first, r->count);
	}
}

bool trace_check_holds(const struct trace_check *c, bool strict)
{
	for (int i = 0; i < (strict ? CHECK_FINDINGS : CHECK_NOTES); i++)
		if (c->finding[i].count)
			return false;
	return !strict || !c->losses;
}
