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
#include "filter/finished.h"
#include "ft_counters.h"
#include "pipeline.h"
#include "recording/recording.h"
#include "sink/segment.h"
#include "sink/sinks.h"

#define NESTING_BITS 32 /* span numbers: random high bits over this many counted ones */

struct pipeline {
	const struct config *config;	  /* borrowed */
	const struct pipeline_live *live; /* borrowed; NULL: a replay */
	struct why *why;		  /* borrowed */
	struct filter *filter;
	struct finished finished;
	struct sinks sinks;
	struct segments segments;
	struct decoder *decoder;
	struct assembler *assembler;
	struct recorder *recorder;
	uint64_t events;   /* written */
	uint64_t filtered; /* calls and requests that were not asked for */
	uint64_t lost;	   /* events that were not written in the end */
	bool full;	   /* the next would have been one too many */
};

/* ---- spans: the end of the pipe ----------------------------------------------------- */

bool pipeline_full(const struct pipeline *p)
{
	return p->full || (p->config->events && p->events >= p->config->events);
}

/* So many events are to be written; false: the trace has ended. */
static bool take(struct pipeline *p, unsigned events)
{
	if (p->full || (p->config->events && p->events + events > p->config->events)) {
		p->full = true;
		return false;
	}
	p->events += events;
	return true;
}

static unsigned events_of_end(const struct span *s)
{
	return s->unfinished ? 0 : s->exception ? 2 : 1;
}

static int on_begin(void *arg, const struct span *s)
{
	struct pipeline *p = arg;

	if (finished_asked(&p->finished))
		return 0; /* when it is over */
	return take(p, 1) ? sinks_begin(&p->sinks, s) : 1;
}

static const char *on_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	struct pipeline *p = arg;

	return decoder_thread_name(p->decoder, pid, tid);
}

/* As it would have been handed on when it began. */
static struct span begin_of(struct pipeline *p, const struct span *s)
{
	struct span begin = *s;

	begin.tid = s->from;
	begin.thread = on_thread_name(p, s->pid, s->from);
	begin.end_ns = 0;
	begin.result = (struct text){};
	begin.exception = NULL;
	begin.lost = begin.unfinished = false;
	return begin;
}

static int put_whole(struct pipeline *p, const struct span *s)
{
	struct span begin = begin_of(p, s);
	int err;

	if (!finished_keep(&p->finished, s)) {
		p->filtered += !s->unfinished;
		return 0;
	}
	if (!take(p, 1 + events_of_end(s)))
		return 1;
	err = sinks_begin(&p->sinks, &begin);
	return err ? err : sinks_end(&p->sinks, s);
}

static int on_end(void *arg, const struct span *s)
{
	struct pipeline *p = arg;

	if (finished_asked(&p->finished))
		return put_whole(p, s);
	return take(p, events_of_end(s)) ? sinks_end(&p->sinks, s) : 1;
}

static int put_whole_request(struct pipeline *p, const struct request_span *r)
{
	struct request_span begin = *r;
	int err;

	if (!r->end_ns)
		return 0; /* with its response */
	if (!finished_keep_request(&p->finished, r)) {
		p->filtered++;
		return 0;
	}
	begin.end_ns = 0;
	if (!take(p, 2))
		return 1;
	err = sinks_request(&p->sinks, &begin);
	return err ? err : sinks_request(&p->sinks, r);
}

static int on_request(void *arg, const struct request_span *r)
{
	struct pipeline *p = arg;

	if (finished_asked(&p->finished))
		return put_whole_request(p, r);
	return take(p, 1) ? sinks_request(&p->sinks, r) : 1;
}

static int on_lost(void *arg, const struct loss *l)
{
	struct pipeline *p = arg;

	return take(p, 1) ? sinks_lost(&p->sinks, l) : 1;
}

static bool on_keep(void *arg, struct function *f)
{
	struct pipeline *p = arg;

	return filter_keep(p->filter, f);
}

static bool on_room(void *arg, bool begins)
{
	struct pipeline *p = arg;

	/* Nothing is written yet of a call that begins when only its end says whether it is. */
	return (begins && finished_asked(&p->finished)) || sinks_room(&p->sinks, begins);
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
	case EVENT_PROC_FORK:
	case EVENT_PROC_EXEC:
	case EVENT_PROC_EXIT:
		if (p->live)
			p->live->process(p->live->arg, e);
		break;
	default:
		break;
	}
	return assembler_event(p->assembler, e);
}

/* Live, one bad record must not end the trace: it is a loss like another. */
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
	if (pipeline_full(p))
		return 0; /* on its way out: what is open by now stays so */
	err = decoder_event(p->decoder, rec, size, &e, p->why);
	if (err == -EBADMSG && p->live)
		return lose_record(p, rec);
	return err ? err : on_event(p, rec, &e);
}

/* ---- what was asked for ------------------------------------------------------------------- */

int pipeline_check(const struct config *c, struct why *w)
{
	int err = 0;

	for (size_t i = 0; i < c->to.count && !err; i++)
		err = sinks_check(c->to.at[i], w);
	return err;
}

const char *pipeline_output(const struct config *c)
{
	const char *file = c->output;

	for (size_t i = 0; i < c->to.count && !file; i++)
		file = sinks_dest(c->to.at[i]);
	if (!file)
		return c->to_stdout ? "standard output" : "nowhere";
	return strcmp(file, "-") ? file : "standard output";
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

/* Whatever they are called: before one empties the other. */
static int other_is_no_output(const struct pipeline *p)
{
	const struct config *c = p->config;
	const char *other = c->record ?: c->replay;

	if (!other || !sinks_write_to(&p->sinks, other))
		return 0;
	return why_exit(p->why, EXIT_USAGE, -EINVAL,
			"%s and --output name the same file: give them two",
			c->record ? "--record" : "--replay");
}

/* The file whose folder segments lie below. */
static const char *first_output(const struct config *c)
{
	return c->output ?: "-";
}

/* Under sudo the output belongs to the user who called. */
static int open_sinks(struct pipeline *p, long uid, long gid)
{
	const struct config *c = p->config;
	struct sink_options o = {.uid = uid, .gid = gid, .joins = c->joins};
	int err = 0;

	p->sinks.why = p->why;
	if (c->segments) {
		o.segments = &p->segments;
		err = segments_init(o.segments, first_output(c), c->segment_folder, uid, gid);
		if (err)
			return why(p->why, err, "out of memory");
	}
	if (c->output)
		err = sinks_add_jsonl(&p->sinks, c->output, &o);
	for (size_t i = 0; i < c->to.count && !err; i++)
		err = sinks_add(&p->sinks, c->to.at[i], &o);
	if (!err && c->to_stdout)
		err = sinks_add_jsonl(&p->sinks, "-", &o);
	if (!err && p->live)
		err = sinks_queue(&p->sinks);
	return err;
}

static int open_recorder(struct pipeline *p, const struct ft_rec_session *session, long uid,
			 long gid)
{
	int err = recorder_new(p->config->record, session, uid, gid, &p->recorder, p->why);

	return err || !p->live ? err : recorder_queue(p->recorder, p->why);
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
		.keep_args = sinks_keep_args(&p->sinks) || finished_asked(&p->finished),
		.thread_name = on_thread_name,
		.keep = on_keep,
		.room = p->live ? on_room : NULL,
		.begin = on_begin,
		.end = on_end,
		.request = on_request,
		.lost = on_lost,
		.arg = p,
	};
	int err = filter_new((const char *const *)c->prefix.at, c->prefix.count,
			     (const char *const *)c->exclude.at, c->exclude.count, &p->filter);

	if (!err)
		err = decoder_new(&decode, &p->decoder);
	if (!err)
		err = assembler_new(&assemble, &p->assembler);
	return err ? why(p->why, err, "cannot set up: %s", strerror(-err)) : 0;
}

static int open_all(struct pipeline *p)
{
	struct ft_rec_session session = session_of(p->config);
	long uid = outfile_caller_uid(), gid = outfile_caller_gid();
	int err = open_sinks(p, uid, gid);

	if (!err)
		err = other_is_no_output(p);
	if (!err)
		err = open_stages(p, &session);
	if (!err && p->config->record)
		err = open_recorder(p, &session, uid, gid);
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
	p->finished = (struct finished){
		.slower_ns = c->slower_than_s > 0 ? (uint64_t)(c->slower_than_s * 1e9) : 0,
		.errors = c->errors_only,
	};
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
	sinks_release(&p->sinks);
	segments_release(&p->segments);
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
	return sinks_flush(&p->sinks);
}

int pipeline_reopen(struct pipeline *p, struct why *w)
{
	return sinks_reopen(&p->sinks, w);
}

int pipeline_finish(struct pipeline *p)
{
	int err = assembler_finish(p->assembler, p->live ? clock_ns(CLOCK_MONOTONIC) : 0);
	int settled = pipeline_settle(p, 0);

	return err < 0 ? err : settled == -EAGAIN ? 0 : settled;
}

int pipeline_settle(struct pipeline *p, unsigned ms)
{
	int err = sinks_settle(&p->sinks, ms), recorded = 0;

	if (p->recorder && (!err || err == -EAGAIN))
		recorded = recorder_settle(p->recorder, err ? 0 : ms, p->why);
	return recorded ? recorded : err;
}

uint64_t pipeline_stalled_ns(const struct pipeline *p)
{
	uint64_t sink = sinks_stalled_ns(&p->sinks);
	uint64_t recorder = p->recorder ? recorder_stalled_ns(p->recorder) : 0;

	return sink > recorder ? sink : recorder;
}

int pipeline_give_up(struct pipeline *p)
{
	struct loss lost = {
		.at_ns = clock_ns(CLOCK_REALTIME),
		.reason = "sink_full",
	};
	struct sink_dropped dropped;
	bool recorded = !p->recorder || recorder_give_up(p->recorder);
	const char *name;

	sinks_give_up(&p->sinks, &lost, &dropped, &name);
	p->events -= dropped.lines < p->events ? dropped.lines : p->events;
	p->lost += dropped.events;
	if (dropped.lines)
		return why(p->why, -EIO,
			   "%s is not read: %llu events that waited for it are lost (sink_full)",
			   name, (unsigned long long)dropped.events);
	return recorded ? 0
			: why(p->why, -EIO, "%s is not whole: it takes nothing", p->config->record);
}

void pipeline_status(const struct pipeline *p, struct run_status *ret_status)
{
	struct assembler_stats a;

	assembler_stats(p->assembler, &a);
	*ret_status = (struct run_status){
		.events = p->events,
		.lost = a.lost + p->lost,
		.functions = a.functions,
		.unfinished = a.unfinished,
		.filtered = p->filtered,
	};
}
