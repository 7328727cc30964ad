/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "assemble/hand_on.h"

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

/* ---- one function an event type ----------------------------------------------- */

/* Keeps a copy of the arguments, for the end of the span. */
static int keep_args(struct open_span *s, const struct text *t)
{
	struct kept_args *k = malloc(sizeof(*k) + t->len + t->full_len);

	if (!k)
		return -ENOMEM;
	k->text = *t;
	k->text.s = memcpy(k->bytes, t->s, t->len);
	if (t->full)
		k->text.full = memcpy(k->bytes + t->len, t->full, t->full_len);
	s->args = k;
	return 0;
}

static int on_enter(struct assembler *a, const struct event *e)
{
	struct open_span s = {.start_ns = e->span.start_ns, .parent_id = e->parent};
	const struct open_span *parent = NULL;
	bool kept, taken;
	int err;

	/* Without its description the call has no name to print: it counts as lost. */
	if (!e->function)
		return hand_on_loss(a, e, e->ts_ns, 2, FT_LOST_emit_code);
	s.function = e->function;
	if (e->parent.start_ns)
		parent = spans_find(&a->spans, e->pid, e->parent);
	if (parent)
		s.parent = parent->number ? parent->number : parent->parent;
	kept = !a->o.keep || a->o.keep(a->o.arg, e->function);
	taken = kept && assembler_room(a, true);
	if (taken)
		s.number = a->o.span_base + a->last_number + 1;
	if (taken && a->o.keep_args && e->value.s && keep_args(&s, &e->value))
		return -ENOMEM;
	if (e->request)
		s.request = request_get(requests_find(&a->requests, e->pid, e->request));
	err = spans_add(&a->spans, e->pid, e->span, &s);
	if (err) {
		request_put(s.request);
		free(s.args);
	}
	if (err == -EEXIST)
		return 0;
	if (kept && !taken)
		assembler_lose(a, e->ts_ns, 2,
			       FT_LOST_sink_full); /* its end is not written either */
	if (err || !s.number)
		return err;
	a->last_number++;
	return hand_on_begin(a, e, &s);
}

/* Closes span i of the thread if it is inside the call that ends now. */
static int close_if_inside(struct assembler *a, struct thread_spans *t, size_t i,
			   struct span_id outer, uint64_t end_ns)
{
	struct open_span *s = &t->stack[i];
	int err = 0;

	if (!spans_inside(&a->spans, t->pid, s, outer))
		return 0;
	if (s->number)
		err = hand_on_lost_end(a, t, s, end_ns);
	s->function = NULL;
	return err;
}

static int finish(struct assembler *a, const struct event *e, const struct open_span *s,
		  uint64_t end_ns)
{
	if (!s->number)
		return 0;
	return e->by_exception ? hand_on_exception(a, e, s, end_ns)
			       : hand_on_return(a, e, s, e->ts_ns);
}

static uint64_t end_of(const struct event *e, const struct open_span *s)
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
		err = finish(a, e, &t->stack[at], end_ns);
	t->stack[at].function = NULL;
	spans_compact(t, at);
	return err;
}

static int end_generator(struct assembler *a, const struct event *e, const struct open_span *s)
{
	/* Its callees ran on the thread on which it ended, at the top of that thread's stack. */
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
		err = finish(a, e, s, end_ns);
	spans_remove_generator(&a->spans, e->pid, e->span);
	return err;
}

static int on_exit_event(struct assembler *a, const struct event *e)
{
	struct thread_spans *t = spans_find_thread(&a->spans, e->pid, e->span.tid);
	long i = t ? spans_index(t, e->span.start_ns) : -1;
	const struct open_span *s = i >= 0 ? &t->stack[i] : spans_find(&a->spans, e->pid, e->span);

	if (!s)
		return 0;
	if (s->number && !assembler_room(a, false)) { /* it stays open until its caller closes it */
		assembler_lose(a, e->ts_ns, 1, FT_LOST_sink_full);
		return 0;
	}
	return i >= 0 ? end_call(a, e, t, i) : end_generator(a, e, s);
}

static int on_dropped(struct assembler *a, const struct event *e)
{
	const struct open_span *s = spans_find(&a->spans, e->pid, e->span);

	if (!s || !s->function->generator)
		return 0;
	hand_on_unfinished(a, e->pid, e->span.tid, s);
	spans_remove_generator(&a->spans, e->pid, e->span);
	return 0;
}

static int on_raise(struct assembler *a, const struct event *e)
{
	struct open_span *s = spans_find(&a->spans, e->pid, e->span);
	size_t type = e->exc_type.len, message = e->exc_message.len, full = e->exc_message.full_len;
	size_t stack = e->stack.s ? e->stack.len : 0;
	struct exception *x;
	struct raise *r;

	if (!s || !s->number)
		return 0;
	r = malloc(sizeof(*r) + type + message + full + stack);
	if (!r)
		return -ENOMEM;
	r->ts_ns = e->ts_ns;
	x = &r->exception;
	*x = (struct exception){e->exc_type, e->exc_message, e->stack};
	x->type.s = memcpy(r->bytes, e->exc_type.s, type);
	x->message.s = memcpy(r->bytes + type, e->exc_message.s, message);
	if (full)
		x->message.full = memcpy(r->bytes + type + message, e->exc_message.full, full);
	if (stack)
		x->stack.s = memcpy(r->bytes + type + message + full, e->stack.s, stack);
	free(s->raise);
	s->raise = r;
	return 0;
}

/* What is open stays as it is. */
static int on_runtime(struct assembler *a, const struct event *e)
{
	const struct open_span *parent =
		e->parent.start_ns ? spans_find(&a->spans, e->pid, e->parent) : NULL;

	if (!assembler_room(a, false)) {
		assembler_lose(a, e->ts_ns, 1, FT_LOST_sink_full);
		return 0;
	}
	a->stats.runtime++;
	return hand_on_runtime(a, e, parent);
}

/* ---- HTTP ----------------------------------------------------------------------- */

static void lose_request(struct assembler *a, const struct event *e)
{
	struct request *r = requests_find(&a->requests, e->pid, e->request);

	r->over = r->silent = true;
	assembler_lose(a, e->ts_ns, 2, FT_LOST_sink_full);
}

static int put_response(struct assembler *a, const struct event *e, const struct request *r)
{
	if (r->silent)
		return 0;
	if (!assembler_room(a, false)) {
		assembler_lose(a, e->ts_ns, 1, FT_LOST_sink_full);
		return 0;
	}
	a->stats.responses++;
	return hand_on_request(a, e, &r->http, r->start_ns, true);
}

static int on_request(struct assembler *a, const struct event *e)
{
	struct request *old;
	int err = requests_add(&a->requests, e, &old);

	if (err)
		return err;
	a->stats.unfinished += old && !old->over;
	request_put(old);
	if (!assembler_room(a, true)) {
		lose_request(a, e);
		return 0;
	}
	a->stats.requests++;
	return hand_on_request(a, e, e->http, e->ts_ns, false);
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
	spans_drop_process(&a->spans, pid, hand_on_unfinished, a);
	a->stats.unfinished += requests_drop_process(&a->requests, pid);
}

int assembler_event(struct assembler *a, const struct event *e)
{
	a->last_ns = e->ts_ns;
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
		return hand_on_loss(a, e, e->last_ns ? e->last_ns : e->ts_ns, e->count, e->reason);
	case EVENT_RUNTIME:
		return on_runtime(a, e);
	case EVENT_THREAD_EXIT:
		spans_drop_thread(&a->spans, e->pid, e->tid, hand_on_unfinished, a);
		return a->err;
	case EVENT_PROC_EXIT:
	case EVENT_PROC_EXEC:
		drop_process(a, e->pid);
		return a->err;
	case EVENT_HTTP_REQUEST:
		return on_request(a, e);
	case EVENT_HTTP_RESPONSE:
		return on_response(a, e);
	case EVENT_HTTP_FORGET:
		return on_forget(a, e);
	case EVENT_SAMPLED:
		return hand_on_left_out(a, e);
	case EVENT_STATE:
		return hand_on_state(a, e);
	case EVENT_NONE:
	case EVENT_FUNCTION:
	case EVENT_PROC_FORK: /* open calls belong to the parent only */
	case EVENT_SESSION:
		return 0;
	}
	return 0;
}

int assembler_finish(struct assembler *a, uint64_t end_ns)
{
	a->last_ns = end_ns ?: a->last_ns;
	spans_drop_all(&a->spans, hand_on_unfinished, a);
	a->stats.unfinished += requests_release(&a->requests);
	if (a->untold.any && !a->err)
		return hand_on_untold(a);
	return a->err;
}
