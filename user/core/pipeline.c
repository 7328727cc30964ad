/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "assemble/assemble.h"
#include "base/clock.h"
#include "base/outfile.h"
#include "decode/decode.h"
#include "filter/filter.h"
#include "ft_counters.h"
#include "ft_left_out.h"
#include "output.h"
#include "pipeline.h"
#include "recording/recording.h"

#define NESTING_BITS 32 /* span numbers: random high bits over this many counted ones */

struct pipeline {
	const struct config *config;	  /* borrowed */
	const struct pipeline_live *live; /* borrowed; NULL: a replay */
	struct why *why;		  /* borrowed */
	struct filter *filter;
	struct output output;
	struct decoder *decoder;
	struct assembler *assembler;
	struct recorder *recorder;
	uint64_t left_out[FT_LEFT_OUT_COUNT]; /* calls that got here, not told yet */
	uint64_t last_ns;		      /* of the last record */
};

/* ---- spans: the end of the pipe ----------------------------------------------------- */

bool pipeline_full(const struct pipeline *p)
{
	return output_full(&p->output);
}

static const char *on_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	struct pipeline *p = arg;

	return decoder_thread_name(p->decoder, pid, tid);
}

static const struct workload *on_workload(void *arg, uint32_t pid)
{
	struct pipeline *p = arg;

	return decoder_workload(p->decoder, pid);
}

static int on_begin(void *arg, const struct span *s)
{
	return output_begin(&((struct pipeline *)arg)->output, s);
}

static int on_end(void *arg, const struct span *s)
{
	struct pipeline *p = arg;
	const char *thread = s->thread;

	if (s->from != s->tid)
		thread = on_thread_name(p, s->pid, s->from);
	return output_end(&p->output, s, thread);
}

static int on_request(void *arg, const struct request_span *r)
{
	return output_request(&((struct pipeline *)arg)->output, r);
}

static int on_runtime(void *arg, const struct runtime_event *r)
{
	return output_runtime(&((struct pipeline *)arg)->output, r);
}

static int on_lost(void *arg, const struct loss *l)
{
	return output_lost(&((struct pipeline *)arg)->output, l);
}

static int on_left_out(void *arg, const struct left_out *l)
{
	return output_left_out(&((struct pipeline *)arg)->output, l);
}

static int on_state(void *arg, const struct state_change *s)
{
	return sinks_state(&((struct pipeline *)arg)->output.sinks, s);
}

static bool on_room(void *arg, bool begins)
{
	return output_room(&((struct pipeline *)arg)->output, begins);
}

static bool on_keep(void *arg, struct function *f)
{
	struct pipeline *p = arg;

	bool keep = filter_keep(p->filter, f);

	p->left_out[f->left_out] += !keep;
	return keep;
}

/* ---- records: the beginning ------------------------------------------------------------ */

static unsigned full_length(const struct config *c)
{
	return c->segments ? FT_MAX_TOKEN_BYTES_INSIDE : 0;
}

static void on_session(struct pipeline *p, const struct ft_rec_session *s)
{
	struct decoder_options o = {
		.max_arg_length = p->config->max_arg_length,
		.args = p->config->args && s->capture & FT_CAPTURE_ARGS,
		.result = p->config->result && s->capture & FT_CAPTURE_RESULT,
		.full_length = full_length(p->config),
	};

	if (s->max_arg_length && s->max_arg_length < o.max_arg_length)
		o.max_arg_length = s->max_arg_length;
	decoder_set_options(p->decoder, &o);
	assembler_set_limits(p->assembler, o.max_arg_length, o.args, o.result);
	assembler_set_anchor(p->assembler, s->hdr.ts_ns, s->realtime_ns);
}

static int on_event(struct pipeline *p, const struct ft_rec *rec, const struct event *e)
{
	switch (e->type) {
	case EVENT_SESSION:
		on_session(p, (const struct ft_rec_session *)rec);
		return 0;
	case EVENT_FUNCTION:
		if (p->live && e->function && !filter_keep(p->filter, e->function))
			p->live->dropped(p->live->arg, e->function);
		return 0;
	default:
		break;
	}
	return assembler_event(p->assembler, e);
}

/* In a live run one bad record must not end the trace: it counts as a loss. */
static int lose_record(struct pipeline *p, const struct ft_rec *rec)
{
	struct event e = {
		.type = EVENT_LOST,
		.pid = rec->pid,
		.tid = rec->tid,
		.ts_ns = rec->ts_ns,
		.first_ns = rec->ts_ns,
		.last_ns = rec->ts_ns,
		.count = 1,
		.reason = FT_LOST_bad_record,
	};

	*p->why = (struct why){};
	return assembler_event(p->assembler, &e);
}

int pipeline_record(void *pipeline, const struct ft_rec *rec, size_t size)
{
	struct pipeline *p = pipeline;
	struct event e;
	int err;

	if (p->recorder) {
		err = recorder_write(p->recorder, rec, size, p->why);
		if (err)
			return err;
	}
	/* The run is ending: open calls stay unfinished. That it ends is still to be told, and what
	 * was left out until then. */
	if (pipeline_full(p) && rec->type != FT_REC_STATE && rec->type != FT_REC_SAMPLED)
		return 0;
	p->last_ns = rec->ts_ns;
	err = decoder_event(p->decoder, rec, size, &e, p->why);
	if (err == -EBADMSG && p->live)
		return lose_record(p, rec);
	return err ? err : on_event(p, rec, &e);
}

/* ---- opening and closing ------------------------------------------------------------------ */

unsigned pipeline_capture(const struct config *c)
{
	return (c->args ? FT_CAPTURE_ARGS : 0) | (c->result ? FT_CAPTURE_RESULT : 0);
}

static struct ft_rec_session session_of(const struct config *c)
{
	struct ft_rec_session s = {
		.hdr = {.size = sizeof(s),
			.type = FT_REC_SESSION,
			.pid = getpid(),
			.ts_ns = clock_ns(CLOCK_MONOTONIC)},
		.abi_version = FT_ABI_VERSION,
		.max_arg_length = c->max_arg_length,
		.max_depth = c->max_depth,
		.max_items = c->max_items,
		.realtime_ns = clock_ns(CLOCK_REALTIME),
		.capture = pipeline_capture(c),
	};

	return s;
}

/* Random bits above the counted ones, so that appended runs do not collide. */
static uint64_t random_span_base(void)
{
	uint64_t bits = 0;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits))
		bits = clock_ns(CLOCK_REALTIME);
	return (bits & ((1ULL << (53 - NESTING_BITS)) - 1)) << NESTING_BITS;
}

static int open_recorder(struct pipeline *p, const struct ft_rec_session *session)
{
	int err = recorder_new(p->config->record, session, outfile_caller_uid(),
			       outfile_caller_gid(), &p->recorder, p->why);

	return err || !p->live ? err : recorder_queue(p->recorder, p->why);
}

/* In a replay: what was captured by a policy is shown as far as it is asked for now. */
static void lower(struct pipeline *p)
{
	const struct config *c = p->config;
	struct capture most = {c->max_arg_length, c->args, c->result};

	decoder_lower(p->decoder, &most);
	filter_narrow(p->filter);
}

static int open_stages(struct pipeline *p, const struct ft_rec_session *session)
{
	const struct config *c = p->config;
	struct decoder_options decode = {c->max_arg_length, c->args, c->result, full_length(c)};
	struct assembler_options assemble = {
		.anchor_mono_ns = session->hdr.ts_ns,
		.anchor_real_ns = session->realtime_ns,
		.span_base = random_span_base(),
		.max_arg_length = c->max_arg_length,
		.args = c->args,
		.result = c->result,
		.full_texts = c->segments,
		.keep_args = output_keeps_args(&p->output),
		.thread_name = on_thread_name,
		.workload = on_workload,
		.keep = on_keep,
		.room = p->live ? on_room : NULL,
		.begin = on_begin,
		.end = on_end,
		.request = on_request,
		.runtime = on_runtime,
		.lost = on_lost,
		.left_out = on_left_out,
		.state = on_state,
		.arg = p,
	};
	int err = filter_new((const char *const *)c->prefix.at, c->prefix.count,
			     (const char *const *)c->exclude.at, c->exclude.count, &p->filter);

	if (!err)
		filter_functions(p->filter, c->function.at, c->function.count);
	if (!err)
		err = decoder_new(&decode, &p->decoder);
	if (!err && !p->live)
		lower(p);
	if (!err)
		err = assembler_new(&assemble, &p->assembler);
	return err ? why(p->why, err, "cannot set up: %s", strerror(-err)) : 0;
}

static int open_all(struct pipeline *p)
{
	struct ft_rec_session session = session_of(p->config);
	int err = output_open(&p->output, p->config, p->live, p->why);

	if (!err)
		err = open_stages(p, &session);
	if (!err && p->config->record)
		err = open_recorder(p, &session);
	return err;
}

int pipeline_new(const struct config *c, const struct pipeline_live *live,
		 struct pipeline **ret_pipeline, struct why *w)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return why(w, -ENOMEM, "out of memory");
	p->config = c;
	p->live = live;
	p->why = w;
	err = open_all(p);
	if (err) {
		pipeline_free(p);
		return err;
	}
	*ret_pipeline = p;
	return 0;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	(void)recorder_close(p->recorder, NULL);
	output_release(&p->output);
	assembler_free(p->assembler);
	decoder_free(p->decoder);
	filter_free(p->filter);
	free(p);
}

int pipeline_replay(struct pipeline *p)
{
	return recording_read(p->config->replay, pipeline_record, p, p->why);
}

int pipeline_flush(struct pipeline *p)
{
	return sinks_flush(&p->output.sinks);
}

int pipeline_reopen(struct pipeline *p, struct why *w)
{
	return sinks_reopen(&p->output.sinks, w);
}

int pipeline_tell_left_out(struct pipeline *p, uint64_t now_ns)
{
	struct event e = {.type = EVENT_SAMPLED, .ts_ns = now_ns};
	int err = 0;

	for (e.kind = FT_LEFT_OUT_NONE + 1; !err && e.kind < FT_LEFT_OUT_COUNT; e.kind++) {
		e.count = p->left_out[e.kind];
		p->left_out[e.kind] = 0;
		if (e.count)
			err = assembler_event(p->assembler, &e);
	}
	return err;
}

int pipeline_finish(struct pipeline *p)
{
	uint64_t now = p->live ? clock_ns(CLOCK_MONOTONIC) : 0;
	int told = pipeline_tell_left_out(p, now ?: p->last_ns);
	int err = assembler_finish(p->assembler, now) ?: told;
	int settled = pipeline_settle(p, 0);

	return err < 0 ? err : settled == -EAGAIN ? 0 : settled;
}

int pipeline_settle(struct pipeline *p, unsigned ms)
{
	int err = sinks_settle(&p->output.sinks, ms), recorded = 0;

	if (p->recorder && (!err || err == -EAGAIN))
		recorded = recorder_settle(p->recorder, err ? 0 : ms, p->why);
	return recorded ? recorded : err;
}

uint64_t pipeline_stalled_ns(const struct pipeline *p)
{
	uint64_t sink = sinks_stalled_ns(&p->output.sinks);
	uint64_t recorder = p->recorder ? recorder_stalled_ns(p->recorder) : 0;

	return sink > recorder ? sink : recorder;
}

int pipeline_give_up(struct pipeline *p)
{
	bool recorded = !p->recorder || recorder_give_up(p->recorder);
	int err = output_give_up(&p->output);

	return err || recorded
		       ? err
		       : why(p->why, -EIO, "%s is not whole: it takes nothing", p->config->record);
}

void pipeline_status(const struct pipeline *p, struct run_status *ret_status)
{
	struct assembler_stats a;

	assembler_stats(p->assembler, &a);
	*ret_status = (struct run_status){
		.events = p->output.events,
		.lost = a.lost + p->output.lost,
		.functions = a.functions,
		.unfinished = a.unfinished,
		.filtered = p->output.filtered,
	};
}

void pipeline_lost_by(const struct pipeline *p, uint64_t ret_events[FT_COUNTER_COUNT])
{
	memcpy(ret_events, p->output.lost_by, sizeof(p->output.lost_by));
}
