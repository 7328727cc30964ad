/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "decode/decode.h"
#include "decode/exception.h"
#include "decode/functions.h"
#include "decode/http.h"
#include "decode/lines.h"
#include "decode/policies.h"
#include "decode/render.h"
#include "decode/threads.h"
#include "decode/types.h"
#include "decode/workloads.h"
#include "ft_left_out.h"
#include "ft_state.h"

struct decoder {
	struct decoder_options options;
	struct types types;
	struct functions functions;
	struct threads threads;
	struct workloads workloads;
	struct policies policies;
	struct capture most;
	struct render render;
	struct exception exception;
	struct http_reader http;
	struct lines lines;
	struct buf stack;
};

int decoder_new(const struct decoder_options *o, struct decoder **ret_decoder)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->render.types = &d->types;
	d->most = (struct capture){UINT_MAX, true, true};
	decoder_set_options(d, o);
	*ret_decoder = d;
	return 0;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	types_release(&d->types);
	functions_release(&d->functions);
	threads_release(&d->threads);
	workloads_release(&d->workloads);
	policies_release(&d->policies);
	render_release(&d->render);
	exception_release(&d->exception);
	http_release(&d->http);
	lines_release(&d->lines);
	buf_release(&d->stack);
	free(d);
}

void decoder_set_options(struct decoder *d, const struct decoder_options *o)
{
	d->options = *o;
	d->render.full_max = o->full_length;
}

void decoder_lower(struct decoder *d, const struct capture *most)
{
	d->most = *most;
}

const char *decoder_thread_name(struct decoder *d, uint32_t pid, uint32_t tid)
{
	return threads_name(&d->threads, pid, tid);
}

const struct workload *decoder_workload(const struct decoder *d, uint32_t pid)
{
	return workloads_of(&d->workloads, pid);
}

/* ---- one function a record type ----------------------------------------------- */

/* The text of a value that is not rendered: not asked for, of a dropped function, or missing. */
static struct text stand_in(const char *s, bool cut)
{
	return (struct text){.s = s, .len = strlen(s), .cut = cut};
}

static bool unseen(const struct function *f)
{
	return !f || f->verdict == VERDICT_DROP;
}

static struct capture capture_of(const struct decoder *d, const struct function *f)
{
	const struct decoder_options *o = &d->options;

	return f && f->policy ? f->policy->capture
			      : (struct capture){o->max_arg_length, o->args, o->result};
}

static int on_code(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct policy *policy = rec->flags ? policies_find(&d->policies, rec->flags) : NULL;

	if (rec->flags && !policy)
		return -EBADMSG;
	e->type = EVENT_FUNCTION;
	return functions_learn(&d->functions, &d->types, policy, (const void *)rec, end,
			       &e->function);
}

static int on_policy(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	return policies_learn(&d->policies, (const void *)rec, end, &d->most);
}

static int on_enter(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_enter *r = (const void *)rec;
	const void *values = r + 1;
	struct capture c;
	struct tokens t;

	e->type = EVENT_ENTER;
	if (rec->flags & FT_ENTER_REQUEST) {
		if (rec->size < sizeof(*r) + sizeof(e->request))
			return -EBADMSG;
		memcpy(&e->request, values, sizeof(e->request));
		values = (const char *)values + sizeof(e->request);
	}
	e->function = functions_find(&d->functions, rec->pid, r->code);
	e->span = (struct span_id){rec->ts_ns, rec->tid};
	e->parent = (struct span_id){r->parent_ns, r->parent_tid};
	c = capture_of(d, e->function);
	if (!c.args || unseen(e->function)) {
		e->value = stand_in("{}", !c.args);
		return 0;
	}
	d->render.max = c.max_arg_length;
	tokens_init(&t, values, end);
	return render_args(&d->render, &t, e->function, &e->value);
}

static int on_exit_rec(struct decoder *d, const struct ft_rec *rec, const void *end,
		       struct event *e)
{
	const struct ft_rec_exit *r = (const void *)rec;
	struct capture c;
	struct tokens t;

	e->type = EVENT_EXIT;
	e->function = functions_find(&d->functions, rec->pid, r->code);
	e->span = (struct span_id){r->start_ns, r->start_tid};
	e->by_exception = r->how == FT_EXIT_EXCEPTION;
	if (r->how == FT_EXIT_DROPPED) {
		e->type = EVENT_DROPPED;
		return 0;
	}
	tokens_init(&t, r + 1, end);
	c = capture_of(d, e->function);
	if (!c.result || e->by_exception || unseen(e->function)) {
		/* A call that began by another policy may end here. */
		e->value = stand_in("null", !c.result || unseen(e->function));
		return 0;
	}
	d->render.max = c.max_arg_length;
	if (!tokens_peek(&t)) {
		e->value = stand_in("null", true);
		return 0;
	}
	return render_value(&d->render, &t, rec->pid, &e->value);
}

static int on_raise(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_raise *r = (const void *)rec;
	struct tokens t, stack;
	int err;

	e->type = EVENT_RAISE;
	e->function = functions_find(&d->functions, rec->pid, r->code);
	e->span = (struct span_id){r->start_ns, r->start_tid};
	tokens_init(&t, r + 1, end);
	if (unseen(e->function) || tokens_peek(&t) != FT_T_EXC) {
		e->exc_type = stand_in(EXCEPTION_UNKNOWN, false);
		e->exc_message = stand_in("", false);
		return 0;
	}
	stack = t;
	err = exception_read(&d->exception, &t, &d->types, rec->pid,
			     capture_of(d, e->function).max_arg_length, d->options.full_length,
			     &e->exc_type, &e->exc_message);
	if (err || !(rec->flags & FT_RAISE_STACK))
		return err;
	return lines_stack(&d->lines, &stack, rec->pid,
			   rec->flags & FT_RAISE_BELOW ? r->code & CODE_ADDRESS : 0, &d->stack,
			   &e->stack);
}

static int on_http_request(struct decoder *d, const struct ft_rec *rec, const void *end,
			   struct event *e)
{
	const struct ft_rec_http_request *r = (const void *)rec;
	struct tokens t;

	e->type = EVENT_HTTP_REQUEST;
	e->request = r->request;
	e->http = &d->http.http;
	tokens_init(&t, r + 1, end);
	return http_read(&d->http, &t, rec->flags, r->request);
}

static int on_http_response(struct decoder *d, const struct ft_rec *rec, const void *end,
			    struct event *e)
{
	const struct ft_rec_http_response *r = (const void *)rec;

	e->type = EVENT_HTTP_RESPONSE;
	e->request = r->request;
	e->kept = rec->flags & FT_HTTP_KEPT;
	d->http.http = (struct http){.status = r->status};
	e->http = &d->http.http;
	return 0;
}

static int on_http_forget(struct decoder *d, const struct ft_rec *rec, const void *end,
			  struct event *e)
{
	const struct ft_rec_http_request *r = (const void *)rec;

	e->type = EVENT_HTTP_FORGET;
	e->request = r->request;
	return 0;
}

static int on_lost(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_lost *r = (const void *)rec;

	e->type = EVENT_LOST;
	e->first_ns = r->first_ns;
	e->last_ns = r->last_ns;
	e->count = r->count;
	e->reason = r->reason;
	return 0;
}

static int on_runtime(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_runtime *r = (const void *)rec;

	if (r->kind == FT_RUNTIME_NONE || r->kind >= FT_RUNTIME_COUNT)
		return -EBADMSG;
	e->type = EVENT_RUNTIME;
	e->kind = r->kind;
	e->parent = (struct span_id){r->parent_ns, r->parent_tid};
	e->first_ns = r->start_ns;
	for (int i = 0; i < FT_RUNTIME_VALUES; i++) /* as readers take them */
		e->number[i] = r->value[i] > INT64_MAX ? FT_RUNTIME_UNKNOWN : r->value[i];
	return 0;
}

static int on_state(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_state *r = (const void *)rec;

	if (r->state == FT_STATE_NONE || r->state >= FT_STATE_COUNT || r->reason >= FT_REASON_COUNT)
		return -EBADMSG;
	e->type = EVENT_STATE;
	e->kind = r->state;
	e->reason = r->reason;
	return 0;
}

static int on_sampled(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	const struct ft_rec_sampled *r = (const void *)rec;

	if (r->rule == FT_LEFT_OUT_NONE || r->rule >= FT_LEFT_OUT_COUNT)
		return -EBADMSG;
	e->type = EVENT_SAMPLED;
	e->count = r->count;
	e->kind = r->rule;
	return 0;
}

static int on_lines(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	return lines_learn(&d->lines, (const void *)rec, end);
}

static int on_type(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	return types_learn(&d->types, (const void *)rec, end);
}

static int on_thread(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	return threads_learn(&d->threads, (const void *)rec, end);
}

static int on_workload(struct decoder *d, const struct ft_rec *rec, const void *end,
		       struct event *e)
{
	return workloads_learn(&d->workloads, (const void *)rec, end);
}

static int on_session(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e)
{
	e->type = EVENT_SESSION;
	return 0;
}

static int on_thread_exit(struct decoder *d, const struct ft_rec *rec, const void *end,
			  struct event *e)
{
	e->type = EVENT_THREAD_EXIT;
	threads_forget(&d->threads, rec->pid, rec->tid);
	return 0;
}

/* Its addresses are no longer valid, and another process may get the pid. */
static void forget_process(struct decoder *d, uint32_t pid)
{
	types_forget_process(&d->types, pid);
	lines_forget_process(&d->lines, pid);
	functions_forget_process(&d->functions, pid);
	threads_forget_process(&d->threads, pid);
}

static int on_proc_exit(struct decoder *d, const struct ft_rec *rec, const void *end,
			struct event *e)
{
	e->type = EVENT_PROC_EXIT;
	forget_process(d, rec->pid);
	workloads_gone(&d->workloads, rec->pid);
	return 0;
}

static int on_proc_exec(struct decoder *d, const struct ft_rec *rec, const void *end,
			struct event *e)
{
	e->type = EVENT_PROC_EXEC;
	forget_process(d, rec->pid);
	return 0;
}

static int on_proc_fork(struct decoder *d, const struct ft_rec *rec, const void *end,
			struct event *e)
{
	const struct ft_rec_proc *r = (const void *)rec;
	int err = types_forked(&d->types, rec->pid, r->other);

	e->type = EVENT_PROC_FORK;
	e->other_pid = r->other;
	if (!err)
		err = workloads_fork(&d->workloads, rec->pid, r->other);
	return err ?: threads_fork(&d->threads, rec->pid, rec->tid, r->other);
}

static const struct {
	size_t size; /* of the fixed part */
	int (*read)(struct decoder *d, const struct ft_rec *rec, const void *end, struct event *e);
} readers[] = {
	[FT_REC_SESSION] = {sizeof(struct ft_rec_session), on_session},
	[FT_REC_CODE] = {sizeof(struct ft_rec_code), on_code},
	[FT_REC_TYPE] = {sizeof(struct ft_rec_pytype), on_type},
	[FT_REC_THREAD] = {sizeof(struct ft_rec_thread), on_thread},
	[FT_REC_ENTER] = {sizeof(struct ft_rec_enter), on_enter},
	[FT_REC_EXIT] = {sizeof(struct ft_rec_exit), on_exit_rec},
	[FT_REC_RAISE] = {sizeof(struct ft_rec_raise), on_raise},
	[FT_REC_LOST] = {sizeof(struct ft_rec_lost), on_lost},
	[FT_REC_THREAD_EXIT] = {sizeof(struct ft_rec), on_thread_exit},
	[FT_REC_PROC_EXIT] = {sizeof(struct ft_rec_proc), on_proc_exit},
	[FT_REC_PROC_FORK] = {sizeof(struct ft_rec_proc), on_proc_fork},
	[FT_REC_PROC_EXEC] = {sizeof(struct ft_rec_proc), on_proc_exec},
	[FT_REC_HTTP_REQUEST] = {sizeof(struct ft_rec_http_request), on_http_request},
	[FT_REC_HTTP_RESPONSE] = {sizeof(struct ft_rec_http_response), on_http_response},
	[FT_REC_LINES] = {sizeof(struct ft_rec_lines), on_lines},
	[FT_REC_RUNTIME] = {sizeof(struct ft_rec_runtime), on_runtime},
	[FT_REC_HTTP_FORGET] = {sizeof(struct ft_rec_http_request), on_http_forget},
	[FT_REC_WORKLOAD] = {sizeof(struct ft_rec_workload), on_workload},
	[FT_REC_STATE] = {sizeof(struct ft_rec_state), on_state},
	[FT_REC_SAMPLED] = {sizeof(struct ft_rec_sampled), on_sampled},
	[FT_REC_POLICY] = {sizeof(struct ft_rec_policy), on_policy},
};

int decoder_event(struct decoder *d, const struct ft_rec *rec, size_t size, struct event *ret_event,
		  struct why *w)
{
	struct event e = {.type = EVENT_NONE};
	int err;

	if (size < sizeof(*rec) || rec->size < sizeof(*rec) || rec->size > size)
		return why(w, -EBADMSG, "a record of %zu bytes says that it has %u", size,
			   size < sizeof(*rec) ? 0 : rec->size);
	workloads_settle(&d->workloads);
	functions_settle(&d->functions);
	e.pid = rec->pid;
	e.tid = rec->tid;
	e.ts_ns = rec->ts_ns;
	if (rec->type < sizeof(readers) / sizeof(*readers) && readers[rec->type].read) {
		if (rec->size < readers[rec->type].size)
			return why(w, -EBADMSG, "a record of type %u is too short: %u bytes",
				   rec->type, rec->size);
		err = readers[rec->type].read(d, rec, (const char *)rec + rec->size, &e);
		if (err == -EBADMSG)
			return why(w, err, "a record of type %u holds no valid values", rec->type);
		if (err)
			return why(w, err, "out of memory");
	}
	*ret_event = e;
	return 0;
}
