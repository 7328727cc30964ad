/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "truncate.h"
#include "describe.h"
#include "frames.h"
#include "open_calls.h"
#include "probes.h"
#include "state.h"
#include "thread_name.h"
#include "traceback.h"
#include "values.h"

uint64_t (*call_request)(void);

/* ---- records ---------------------------------------------------------------------------- */

static void put_args(struct tokens_out *o, const struct code_info *info, const void *frame,
		     bool cells_made)
{
	for (int i = 0; i < info->nparams; i++) {
		if (info->secrets >> i & 1)
			tokens_redacted(o, i == 0);
		else
			tokens_value(o, frame_param(frame, info, i, cells_made), i == 0);
	}
}

/*
 * To reserve may give the GIL away; from taking the time on it is kept, so that what is named for
 * a record is named in the order of time.
 */

static bool record_enter(struct agent_thread *t, struct call *call, const struct call *parent,
			 const struct code_info *info, bool cells_made)
{
	uint64_t request = call_request ? call_request() : 0;
	struct ft_rec_enter *r = sender_reserve(t);
	struct tokens_out o;
	uint8_t *values;

	call->start_ns = sender_now(t);
	if (!r)
		return false;
	values = (uint8_t *)(r + 1) + (request ? sizeof(request) : 0);
	tokens_begin(&o, values, engine_limits());
	if (engine_captures_args())
		put_args(&o, info, call->frame, cells_made);
	*r = (struct ft_rec_enter){
		.hdr = sender_head(t, FT_REC_ENTER, values - (uint8_t *)r + o.used, call->start_ns),
		.code = call->function,
		.parent_ns = parent ? parent->start_ns : 0,
		.parent_tid = parent ? parent->start_tid : 0,
	};
	if (request) {
		r->hdr.flags = FT_ENTER_REQUEST;
		memcpy(r + 1, &request, sizeof(request));
	}
	if (probes_generation())
		probe_entry(code_probed(info), record_truncate(&r->hdr, sizeof(*r)));
	return sender_commit(t, &r->hdr);
}

static bool record_exit(struct agent_thread *t, const struct call *call, enum ft_exit_how how,
			PyObject *result, const struct code_info *info)
{
	struct ft_rec_exit *r = sender_reserve(t);
	uint64_t now = sender_now(t);
	struct tokens_out o;

	if (!r)
		return false;
	tokens_begin(&o, r + 1, engine_limits());
	if (result && engine_captures_result())
		tokens_value(&o, result, true);
	*r = (struct ft_rec_exit){
		.hdr = sender_head(t, FT_REC_EXIT, sizeof(*r) + o.used, now),
		.code = call->function,
		.start_ns = call->start_ns,
		.start_tid = call->start_tid,
		.how = how,
	};
	if (probes_generation())
		probe_return(code_probed(info), record_truncate(&r->hdr, sizeof(*r)));
	return sender_commit(t, &r->hdr);
}

static bool record_raise(struct agent_thread *t, const struct call *call, PyObject *type,
			 PyObject *value, PyObject *traceback, const struct code_info *info)
{
	struct ft_rec_raise *r = sender_reserve(t);
	uint64_t now = sender_now(t);
	struct tokens_out o;

	if (!r)
		return false;
	tokens_begin(&o, r + 1, engine_limits());
	tokens_exception(&o, type, value);
	if (engine_captures_stack()) {
		o.size = FT_MAX_TOKEN_BYTES_INSIDE;
		tokens_traceback(&o, traceback);
	}
	*r = (struct ft_rec_raise){
		.hdr = sender_head(t, FT_REC_RAISE, sizeof(*r) + o.used, now),
		.code = call->function,
		.start_ns = call->start_ns,
		.start_tid = call->start_tid,
		.exc = (uintptr_t)value,
	};
	r->hdr.flags = engine_captures_stack() ? FT_RAISE_STACK : 0;
	if (probes_generation())
		probe_exception(code_probed(info), record_truncate(&r->hdr, sizeof(*r)));
	return sender_commit(t, &r->hdr);
}

/* ---- calls, as they happen ------------------------------------------------------------------ */

/* Where a generator starts, one that was dropped has been: it is told of only now. */
static void record_dropped(struct agent_thread *t, const void *frame)
{
	struct call *call = open_unsuspend(frame);

	if (call && !call->lost)
		(void)record_exit(t, call, FT_EXIT_DROPPED, NULL, NULL);
	free(call);
}

void call_begin(PyCodeObject *code, struct code_info *info, void *frame, void *below,
		bool cells_made)
{
	struct agent_thread *t = sender_current();
	struct call call = {.frame = frame, .code = code, .function = info->function};
	const struct call *parent, *pushed;

	if (!t)
		return;
	call.start_tid = t->tid;
	if (t->busy) { /* code that runs while we look at something: it must not disturb us */
		sender_lost(t, sender_now(t), 2, LOSS_REENTERED);
		return;
	}
	t->busy = true;
	if (!t->named)
		thread_name_record(t);
	if (probes_generation() != t->announced)
		thread_name_announce(t);
	if (!info->described) {
		(void)sender_now(t); /* the name holds from now on */
		code_describe(code, info, frame_globals(frame),
			      info->nparams ? frame_param(frame, info, 0, cells_made) : NULL);
	}
	if (info->generator)
		record_dropped(t, frame);
	parent = open_below(t, frame, below);
	call.lost = !record_enter(t, &call, parent, info, cells_made);
	pushed = call_stack_push(&t->calls, &call);
	if (call.lost)
		sender_lost(t, call.start_ns, 2, LOSS_FULL);
	else if (!pushed)
		sender_lost(t, call.start_ns, 1, LOSS_NO_MEMORY);
	t->busy = false;
}

void call_return(PyCodeObject *code, void *frame, PyObject *result)
{
	struct agent_thread *t = sender_current();
	struct call call;

	if (!t || t->busy || !open_take(t, code, frame, &call) || call.lost)
		return;
	t->busy = true;
	if (!record_exit(t, &call, FT_EXIT_RETURN, result, code_info(code, frame_globals(frame))))
		sender_lost(t, t->last_ns, 1, LOSS_FULL);
	t->busy = false;
}

void call_raise(PyCodeObject *code, void *frame, PyObject *type, PyObject *value,
		PyObject *traceback)
{
	struct agent_thread *t = sender_current();
	const struct code_info *info;
	struct call call;

	if (!t || t->busy || !open_take(t, code, frame, &call) || call.lost)
		return;
	info = code_info(code, frame_globals(frame));
	t->busy = true;
	if (!record_raise(t, &call, type, value, traceback, info) ||
	    !record_exit(t, &call, FT_EXIT_EXCEPTION, NULL, info))
		sender_lost(t, t->last_ns, 2, LOSS_FULL); /* EXCEPTION and EXIT */
	t->busy = false;
}

void call_suspend(PyCodeObject *code, void *frame)
{
	struct agent_thread *t = sender_current();
	struct call call;

	if (!t || !open_take(t, code, frame, &call))
		return;
	if (!open_suspend(&call) && !call.lost)
		sender_lost(t, sender_now(t), 1, LOSS_NO_MEMORY);
}

void call_resume(PyCodeObject *code, void *frame)
{
	struct agent_thread *t = sender_current();
	struct call *call;

	call = t ? open_unsuspend(frame) : NULL;
	if (!call)
		return; /* it started before the trace did */
	/* Another generator may live where one was dropped that never went on. */
	if (call->code == code && !call_stack_push(&t->calls, call) && !call->lost)
		sender_lost(t, sender_now(t), 1, LOSS_NO_MEMORY);
	free(call);
}
