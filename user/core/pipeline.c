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
#include "pipeline.h"
#include "recording/recording.h"
#include "sink/sink.h"

#define NESTING_BITS 32 /* span numbers: random high bits over this many counted ones */

struct pipeline {
	const struct config *config;	  /* borrowed */
	const struct pipeline_live *live; /* borrowed; NULL: a replay */
	struct why *why;		  /* borrowed */
	struct filter *filter;
	struct sink *sink;
	struct decoder *decoder;
	struct assembler *assembler;
	struct recorder *recorder;
	uint64_t lines;
	uint64_t lost; /* lines that were not written in the end */
};

/* ---- lines: the end of the pipe ----------------------------------------------------- */

bool pipeline_full(const struct pipeline *p)
{
	return p->config->events && p->lines >= p->config->events;
}

static int on_line(void *arg, const struct line *line)
{
	struct pipeline *p = arg;
	int err;

	if (pipeline_full(p))
		return 1;
	err = p->sink->ops->line(p->sink, line, p->why);
	p->lines++;
	return err;
}

static bool on_keep(void *arg, struct function *f)
{
	struct pipeline *p = arg;

	return filter_keep(p->filter, f);
}

static bool on_room(void *arg, bool begins)
{
	struct pipeline *p = arg;

	return p->sink->ops->room(p->sink, begins);
}

static const char *on_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	struct pipeline *p = arg;

	return decoder_thread_name(p->decoder, pid, tid);
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
static int other_is_no_output(const struct config *c, struct why *w)
{
	const char *other = c->record ?: c->replay;

	if (!other ||
	    !(outfile_same(c->output, other) || (c->to_stdout && outfile_same("-", other))))
		return 0;
	return why_exit(w, EXIT_USAGE, -EINVAL, "%s and --output name the same file: give them two",
			c->record ? "--record" : "--replay");
}

static int open_stages(struct pipeline *p)
{
	const struct config *c = p->config;
	struct ft_rec_session session = session_of(c);
	struct decoder_options decode = {c->max_arg_length, c->args, c->result, full_length(c)};
	struct assembler_options assemble = {
		.anchor_mono_ns = session.hdr.ts_ns,
		.anchor_real_ns = session.realtime_ns,
		.span_base = random_span_base(),
		.max_arg_length = c->max_arg_length,
		.args = c->args,
		.result = c->result,
		.full_texts = c->segments,
		.thread_name = on_thread_name,
		.keep = on_keep,
		.room = p->live ? on_room : NULL,
		.line = on_line,
		.arg = p,
	};
	/* Under sudo the output belongs to the user who called. */
	long uid = outfile_caller_uid(), gid = outfile_caller_gid();
	int err;

	err = filter_new((const char *const *)c->prefix.at, c->prefix.count,
			 (const char *const *)c->exclude.at, c->exclude.count, &p->filter);
	if (!err)
		err = decoder_new(&decode, &p->decoder);
	if (!err)
		err = assembler_new(&assemble, &p->assembler);
	if (err)
		return why(p->why, err, "cannot set up: %s", strerror(-err));
	err = (c->joins ? sink_jsonl_join : sink_jsonl_new)(c->output, c->to_stdout, uid, gid,
							    &p->sink, p->why);
	if (!err && c->segment_folder && sink_jsonl_segments(p->sink, c->segment_folder))
		err = why(p->why, -ENOMEM, "out of memory");
	if (!err && p->live)
		err = p->sink->ops->queue(p->sink, p->why);
	if (!err)
		err = other_is_no_output(c, p->why);
	if (!err && c->record)
		err = recorder_new(c->record, &session, uid, gid, &p->recorder, p->why);
	if (!err && p->recorder && p->live)
		err = recorder_queue(p->recorder, p->why);
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
	err = open_stages(p);
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
	if (p->sink)
		p->sink->ops->free(p->sink);
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
	return p->sink->ops->flush(p->sink, p->why);
}

int pipeline_reopen(struct pipeline *p, struct why *w)
{
	return p->sink->ops->reopen(p->sink, w);
}

int pipeline_finish(struct pipeline *p)
{
	int err = assembler_finish(p->assembler);
	int settled = pipeline_settle(p, 0);

	return err < 0 ? err : settled == -EAGAIN ? 0 : settled;
}

int pipeline_settle(struct pipeline *p, unsigned ms)
{
	int err = p->sink->ops->settle(p->sink, ms, p->why), recorded = 0;

	if (p->recorder && (!err || err == -EAGAIN))
		recorded = recorder_settle(p->recorder, err ? 0 : ms, p->why);
	return recorded ? recorded : err;
}

uint64_t pipeline_stalled_ns(const struct pipeline *p)
{
	uint64_t sink = p->sink->ops->stalled_ns(p->sink);
	uint64_t recorder = p->recorder ? recorder_stalled_ns(p->recorder) : 0;

	return sink > recorder ? sink : recorder;
}

int pipeline_give_up(struct pipeline *p)
{
	struct line lost = {
		.type = LINE_LOST,
		.timestamp_us = clock_ns(CLOCK_REALTIME) / 1000,
		.reason = "sink_full",
	};
	struct sink_dropped dropped;
	bool recorded = !p->recorder || recorder_give_up(p->recorder);

	p->sink->ops->give_up(p->sink, &lost, &dropped);
	p->lines -= dropped.lines < p->lines ? dropped.lines : p->lines;
	p->lost += dropped.events;
	if (dropped.lines)
		return why(p->why, -EIO,
			   "%s is not read: %llu events that waited for it are lost (sink_full)",
			   strcmp(p->config->output, "-") ? p->config->output : "standard output",
			   (unsigned long long)dropped.events);
	return recorded ? 0
			: why(p->why, -EIO, "%s is not whole: it takes nothing", p->config->record);
}

void pipeline_status(const struct pipeline *p, struct run_status *ret_status)
{
	struct assembler_stats a;

	assembler_stats(p->assembler, &a);
	*ret_status = (struct run_status){
		.events = p->lines,
		.lost = a.lost + p->lost,
		.functions = a.functions,
		.unfinished = a.unfinished,
	};
}
