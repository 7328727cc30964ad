/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "assemble/hand_on.h"
#include "base/json.h"
#include "base/utf8.h"
#include "ft_left_out.h"
#include "ft_state.h"

/* ---- what is handed on ---------------------------------------------------------- */

static uint64_t real_ns(const struct assembler *a, uint64_t mono_ns)
{
	/* Unsigned arithmetic also serves a moment before the anchor. */
	return a->o.anchor_real_ns + (mono_ns - a->o.anchor_mono_ns);
}

static const char *thread_name(const struct assembler *a, uint32_t pid, uint32_t tid)
{
	return a->o.thread_name ? a->o.thread_name(a->o.arg, pid, tid) : "";
}

static const struct workload *workload(const struct assembler *a, uint32_t pid)
{
	return a->o.workload ? a->o.workload(a->o.arg, pid) : NULL;
}

/* NULL: the call has no request, or one without an id. */
static const struct text *request_id(const struct open_span *s)
{
	return s->request && s->request->http.id.s ? &s->request->http.id : NULL;
}

static struct capture capture_of(const struct assembler *a, const struct function *f)
{
	return f->policy ? f->policy->capture
			 : (struct capture){a->o.max_arg_length, a->o.args, a->o.result};
}

/* The span as thread `tid` sees it, on which it begins or ends. */
static struct span span_of(const struct assembler *a, const struct open_span *s, uint32_t pid,
			   uint32_t tid, uint32_t from)
{
	struct capture c = capture_of(a, s->function);

	return (struct span){
		.id = s->number,
		.parent = s->parent,
		.pid = pid,
		.tid = tid,
		.from = from,
		.thread = thread_name(a, pid, tid),
		.function = s->function,
		.request_id = request_id(s),
		.workload = workload(a, pid),
		.start_ns = real_ns(a, s->start_ns),
		.args_limit = c.args ? c.max_arg_length : 0,
		.result_limit = c.max_arg_length,
	};
}

static struct span ended_span(const struct assembler *a, const struct open_span *s, uint32_t pid,
			      uint32_t tid, uint32_t from, uint64_t end_ns)
{
	struct span end = span_of(a, s, pid, tid, from);

	end.end_ns = real_ns(a, end_ns);
	if (s->args)
		end.args = s->args->text;
	return end;
}

static const char *reason_name(uint32_t reason)
{
	static const char *const names[] = {
#define X(name, text) #name,
		FT_COUNTERS(X)
#undef X
	};

	return reason < FT_COUNTER_COUNT ? names[reason] : "unknown";
}

bool assembler_room(const struct assembler *a, bool begins)
{
	return !a->o.room || a->o.room(a->o.arg, begins);
}

void assembler_lose(struct assembler *a, uint64_t ts_ns, uint64_t count, uint32_t reason)
{
	a->untold.count[reason < FT_COUNTER_COUNT ? reason : FT_LOST_bad_record] += count;
	a->untold.last_ns = ts_ns;
	a->untold.any = true;
	a->stats.lost += count;
}

int hand_on_untold(struct assembler *a)
{
	int err = 0;

	a->untold.any = false;
	for (uint32_t i = 0; i < FT_COUNTER_COUNT && err >= 0; i++) {
		struct loss l = {
			.at_ns = real_ns(a, a->untold.last_ns),
			.count = a->untold.count[i],
			.reason = reason_name(i),
		};

		if (l.count)
			err = a->o.lost(a->o.arg, &l);
		a->untold.count[i] = 0;
	}
	return err;
}

/* Writes the untold losses if there is room. Called before anything else is handed on. */
static int tell_if_room(struct assembler *a)
{
	int err = a->untold.any && assembler_room(a, true) ? hand_on_untold(a) : 0;

	return err < 0 ? err : 0;
}

int hand_on_begin(struct assembler *a, const struct event *e, const struct open_span *s)
{
	struct span begin = span_of(a, s, e->pid, e->tid, e->tid);
	int err = tell_if_room(a);

	begin.args = e->value;
	a->stats.enters++;
	if (!s->function->counted) {
		s->function->counted = true;
		a->stats.functions++;
	}
	if (!err)
		err = a->o.begin(a->o.arg, &begin);
	return err < 0 ? err : 0;
}

static int put_end(struct assembler *a, const struct span *end)
{
	int err = tell_if_room(a);

	a->stats.exits++;
	a->stats.exceptions += end->exception != NULL;
	if (!err)
		err = a->o.end(a->o.arg, end);
	a->stats.unfinished += err > 0;
	return err < 0 ? err : 0;
}

int hand_on_return(struct assembler *a, const struct event *e, const struct open_span *s,
		   uint64_t end_ns)
{
	struct span end = ended_span(a, s, e->pid, e->tid, e->span.tid, end_ns);

	end.result = e->value;
	if (!capture_of(a, s->function).result)
		end.result_limit = 0;
	return put_end(a, &end);
}

/* A call whose end was lost: it ends when its caller ends. */
int hand_on_lost_end(struct assembler *a, const struct thread_spans *t, const struct open_span *s,
		     uint64_t end_ns)
{
	struct span end = ended_span(a, s, t->pid, t->tid, t->tid, end_ns);

	end.result = (struct text){.s = "null", .len = 4};
	end.lost = true;
	return put_end(a, &end);
}

/* A span_fn, which returns no error: the first error of a sink is kept in a->err. */
void hand_on_unfinished(void *arg, uint32_t pid, uint32_t tid, const struct open_span *s)
{
	struct assembler *a = arg;
	struct span end;
	int err;

	if (!s->number)
		return;
	a->stats.unfinished++;
	end = ended_span(a, s, pid, tid, tid, a->last_ns);
	end.unfinished = true;
	err = a->o.end(a->o.arg, &end);
	if (err < 0 && !a->err)
		a->err = err;
}

#define RESULT "{\"exception\": "

/* Writes {"exception": "ValueError: Invalid input" without the closing brace. */
static void put_result(struct assembler *a, struct buf *b, const struct text *type,
		       const char *message, size_t len)
{
	struct buf *plain = &a->scratch;

	buf_clear(plain);
	buf_add(plain, type->s, type->len);
	if (len) {
		BUF_LITERAL(plain, ": ");
		buf_add(plain, message, len);
	}
	buf_clear(b);
	BUF_LITERAL(b, RESULT);
	json_string(b, plain->s, plain->len);
}

/* The full text of a cut result; not kept when it is not longer. */
static void put_full_result(struct assembler *a, const struct text *type,
			    const struct text *message, struct text *result)
{
	struct buf *b = &a->full;

	put_result(a, b, type, message->full ?: message->s,
		   message->full ? message->full_len : message->len);
	buf_char(b, '}');
	if (b->len == result->len)
		return;
	result->full = b->s;
	result->full_len = b->len;
	result->original_len = b->failed ? 0 : utf8_count(b->s, b->len);
}

/* The result of a call that an exception left, within the limit if possible. */
static struct text exception_result(struct assembler *a, size_t max, const struct text *type,
				    const struct text *message)
{
	struct buf *b = &a->exception;
	struct text result = {.cut = message->cut};
	size_t start = sizeof(RESULT) - 1, chars;
	size_t least = sizeof(JSON_DOTS) - 1;

	put_result(a, b, type, message->s, message->len);
	chars = b->failed ? 0 : utf8_count(b->s, b->len) + 1;
	if (chars > max) {
		size_t room = max > start + 1 + least ? max - start - 1 : least;

		result.original_len = message->cut ? 0 : chars;
		result.cut = true;
		json_cut_string(b, start, room);
	}
	buf_char(b, '}');
	result.s = b->s;
	result.len = b->len;
	if (result.cut && a->o.full_texts)
		put_full_result(a, type, message, &result);
	return result;
}

int hand_on_exception(struct assembler *a, const struct event *e, const struct open_span *s,
		      uint64_t end_ns)
{
	static const struct exception unknown = {
		.type = {.s = "<unknown>", .len = 9},
		.message = {.s = ""},
	};
	struct span end = ended_span(a, s, e->pid, e->tid, e->span.tid, end_ns);

	end.exception = s->raise ? &s->raise->exception : &unknown;
	end.result = exception_result(a, end.result_limit, &end.exception->type,
				      &end.exception->message);
	if (a->exception.failed || a->full.failed || a->scratch.failed)
		return -ENOMEM;
	return put_end(a, &end);
}

int hand_on_loss(struct assembler *a, const struct event *e, uint64_t ts_ns, uint64_t count,
		 uint32_t reason)
{
	struct loss l = {
		.at_ns = real_ns(a, ts_ns),
		.pid = e->pid,
		.tid = e->tid,
		.count = count,
		.reason = reason_name(reason),
	};
	int err;

	if (!assembler_room(a, false)) {
		assembler_lose(a, ts_ns, count, reason);
		return 0;
	}
	a->stats.lost += count;
	err = tell_if_room(a);
	if (!err)
		err = a->o.lost(a->o.arg, &l);
	return err < 0 ? err : 0;
}

int hand_on_request(struct assembler *a, const struct event *e, const struct http *http,
		    uint64_t start_ns, bool over)
{
	struct request_span r = {
		.pid = e->pid,
		.tid = e->tid,
		.thread = thread_name(a, e->pid, e->tid),
		.start_ns = real_ns(a, start_ns),
		.end_ns = over ? real_ns(a, e->ts_ns) : 0,
		.http = http,
		.workload = workload(a, e->pid),
	};
	int err = tell_if_room(a);

	if (!err)
		err = a->o.request(a->o.arg, &r);
	return err < 0 ? err : 0;
}

int hand_on_runtime(struct assembler *a, const struct event *e, const struct open_span *parent)
{
	struct runtime_event r = {
		.kind = e->kind,
		.pid = e->pid,
		.tid = e->tid,
		.thread = thread_name(a, e->pid, e->tid),
		.parent = !parent ? 0 : parent->number ?: parent->parent,
		.request_id = parent ? request_id(parent) : NULL,
		.workload = workload(a, e->pid),
		.start_ns = real_ns(a, e->first_ns),
		.end_ns = real_ns(a, e->ts_ns),
	};
	int err = tell_if_room(a);

	memcpy(r.number, e->number, sizeof(r.number));
	if (!err)
		err = a->o.runtime(a->o.arg, &r);
	return err < 0 ? err : 0;
}

static const char *left_out_name(uint32_t rule)
{
	static const char *const names[FT_LEFT_OUT_COUNT] = {
#define X(name, text) [FT_LEFT_OUT_##name] = #name,
		FT_LEFT_OUT_RULES(X)
#undef X
	};

	return names[rule];
}

/* As few as states, so no room is asked for either. */
int hand_on_left_out(struct assembler *a, const struct event *e)
{
	struct left_out l = {
		.at_ns = real_ns(a, e->ts_ns),
		.count = e->count,
		.rule = left_out_name(e->kind),
	};
	int err = tell_if_room(a);

	if (!err)
		err = a->o.left_out(a->o.arg, &l);
	return err < 0 ? err : 0;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[FT_STATE_COUNT] = {
#define X(name, text) [FT_STATE_##name] = #name,
		FT_STATES(X)
#undef X
	};

	return names[state];
}

/* NULL for FT_REASON_NONE. */
static const char *state_reason_name(uint32_t reason)
{
	static const char *const names[FT_REASON_COUNT] = {
#define X(name, text) [FT_REASON_##name] = #name,
		FT_STATE_REASONS(X)
#undef X
	};

	return names[reason];
}

/* There are two in a run, so no room is asked for; what was lost before it is told before it. */
int hand_on_state(struct assembler *a, const struct event *e)
{
	struct state_change s = {
		.at_ns = real_ns(a, e->ts_ns),
		.state = state_name(e->kind),
		.reason = state_reason_name(e->reason),
	};
	int err = a->untold.any ? hand_on_untold(a) : 0;

	if (err >= 0)
		err = a->o.state(a->o.arg, &s);
	return err < 0 ? err : 0;
}
