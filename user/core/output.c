/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/outfile.h"
#include "output.h"

/* ---- the options ------------------------------------------------------------------------- */

static bool is_file(const char *dest)
{
	return dest && strcmp(dest, "-");
}

static int check_rotate(const struct config *c, struct why *w)
{
	bool any = is_file(c->output);

	for (size_t i = 0; i < c->to.count; i++)
		any |= is_file(sinks_dest(c->to.at[i]));
	if (any || (!c->rotate.bytes && c->rotate.seconds <= 0))
		return 0;
	return why_exit(w, EXIT_USAGE, -EINVAL,
			"--rotate is for files, and no output is one: name a file with --output");
}

int output_check(const struct config *c, struct why *w)
{
	int err = 0;

	for (size_t i = 0; i < c->to.count && !err; i++)
		err = sinks_check(c->to.at[i], w);
	return err ? err : check_rotate(c, w);
}

const char *output_name(const struct config *c)
{
	const char *file = c->output;

	for (size_t i = 0; i < c->to.count && !file; i++)
		file = sinks_dest(c->to.at[i]);
	if (!file)
		return c->to_stdout ? "standard output" : "nowhere";
	return strcmp(file, "-") ? file : "standard output";
}

/* ---- opening and closing ------------------------------------------------------------------- */

/* The other file must not also be an output, under any name: one would truncate the other. */
static int other_is_not_taken(const struct output *o)
{
	const struct config *c = o->config;
	const char *other = c->record ?: c->replay;

	if (!other || !sinks_write_to(&o->sinks, other))
		return 0;
	return why_exit(o->sinks.why, EXIT_USAGE, -EINVAL,
			"%s and --output name the same file: give them two",
			c->record ? "--record" : "--replay");
}

static int add_sinks(struct output *o, const struct sink_options *options)
{
	const struct config *c = o->config;
	int err = c->output ? sinks_add_jsonl(&o->sinks, c->output, options) : 0;

	for (size_t i = 0; i < c->to.count && !err; i++)
		err = sinks_add(&o->sinks, c->to.at[i], options);
	if (!err && c->to_stdout)
		err = sinks_add_jsonl(&o->sinks, "-", options);
	return err;
}

int output_open(struct output *o, const struct config *c, bool queue, struct why *w)
{
	/* Under sudo the output belongs to the user who called. */
	struct sink_options options = {
		.stream = {.uid = outfile_caller_uid(),
			   .gid = outfile_caller_gid(),
			   .joins = c->joins,
			   .packings = c->packings,
			   .rotate = c->rotate,
			   .rotate_keep = c->rotate_keep},
		.segments = c->segments ? &o->segments : NULL,
	};
	int err = 0;

	*o = (struct output){
		.config = c,
		.finished = {.slower_ns = (uint64_t)(c->slower_than_s * 1e9),
			     .errors = c->errors_only},
		.sinks.why = w,
	};
	if (options.segments) /* they go below the folder of the first file */
		err = segments_init(&o->segments, c->output ?: "-", c->segment_folder,
				    options.stream.uid, options.stream.gid);
	if (err)
		return why(w, err, "out of memory");
	err = add_sinks(o, &options);
	if (!err && queue)
		err = sinks_queue(&o->sinks);
	return err ? err : other_is_not_taken(o);
}

void output_release(struct output *o)
{
	sinks_release(&o->sinks);
	segments_release(&o->segments);
}

/* ---- what is handed on ---------------------------------------------------------------------- */

bool output_full(const struct output *o)
{
	return o->full || (o->config->events && o->events >= o->config->events);
}

/* Events that may still be written. */
static uint64_t events_left(const struct output *o)
{
	return o->config->events ? o->config->events - o->events : UINT64_MAX;
}

/* Counts events that are to be written; false: the trace has ended. */
static bool take(struct output *o, unsigned events)
{
	o->full |= events_left(o) < events;
	o->events += o->full ? 0 : events;
	return !o->full;
}

static unsigned events_of_end(const struct span *s)
{
	return s->unfinished ? 0 : s->exception ? 2 : 1;
}

/* Writes the exception alone of a call that failed. */
static int put_last(struct output *o, const struct span *s)
{
	struct span last = *s;
	int err;

	last.last = true;
	err = take(o, 1) ? sinks_end(&o->sinks, &last) : 0;
	return err ? err : 1;
}

static int put_end(struct output *o, const struct span *s)
{
	if (s->exception && events_left(o) == 1)
		return put_last(o, s);
	return take(o, events_of_end(s)) ? sinks_end(&o->sinks, s) : 1;
}

int output_begin(struct output *o, const struct span *s)
{
	if (output_waits(o))
		return 0; /* written when it is over */
	return take(o, 1) ? sinks_begin(&o->sinks, s) : 1;
}

/* The span as it would have been handed on at its begin. */
static struct span begin_of(const struct span *s, const char *thread)
{
	struct span begin = *s;

	begin.tid = s->from;
	begin.thread = thread;
	begin.end_ns = 0;
	begin.result = (struct text){};
	begin.exception = NULL;
	begin.lost = begin.unfinished = false;
	return begin;
}

static int put_whole(struct output *o, const struct span *s, const char *thread)
{
	struct span begin = begin_of(s, thread);
	int err;

	if (!finished_keep(&o->finished, s)) {
		o->filtered += !s->unfinished;
		return 0;
	}
	if (!take(o, 1))
		return 1;
	err = sinks_begin(&o->sinks, &begin);
	return err ? err : put_end(o, s);
}

int output_end(struct output *o, const struct span *s, const char *thread)
{
	if (output_waits(o))
		return put_whole(o, s, thread);
	return put_end(o, s);
}

static int put_request(struct output *o, const struct request_span *r)
{
	return take(o, 1) ? sinks_request(&o->sinks, r) : 1;
}

static int put_whole_request(struct output *o, const struct request_span *r)
{
	struct request_span begin = *r;
	int err;

	if (!r->end_ns)
		return 0; /* written with its response */
	if (!finished_keep_request(&o->finished, r)) {
		o->filtered++;
		return 0;
	}
	begin.end_ns = 0;
	err = put_request(o, &begin);
	return err ? err : put_request(o, r);
}

int output_request(struct output *o, const struct request_span *r)
{
	if (output_waits(o))
		return put_whole_request(o, r);
	return put_request(o, r);
}

int output_runtime(struct output *o, const struct runtime_event *r)
{
	if (!finished_keep_runtime(&o->finished, r)) {
		o->filtered++;
		return 0;
	}
	return take(o, 1) ? sinks_runtime(&o->sinks, r) : 1;
}

static void count_lost(struct output *o, const struct loss *l)
{
	static const char *const reasons[FT_COUNTER_COUNT] = {
#define X(name, text) #name,
		FT_COUNTERS(X)
#undef X
	};

	for (int i = 0; i < FT_COUNTER_COUNT; i++)
		if (!strcmp(reasons[i], l->reason))
			o->lost_by[i] += l->count;
}

int output_lost(struct output *o, const struct loss *l)
{
	count_lost(o, l);
	return take(o, 1) ? sinks_lost(&o->sinks, l) : 1;
}

int output_left_out(struct output *o, const struct left_out *l)
{
	o->filtered += l->count;
	return sinks_left_out(&o->sinks, l);
}

bool output_room(struct output *o, bool begins)
{
	/* A call that is written only once it has ended needs no room when it begins. */
	return (begins && output_waits(o)) || sinks_room(&o->sinks, begins);
}

int output_give_up(struct output *o)
{
	struct loss lost = {
		.at_ns = clock_ns(CLOCK_REALTIME),
		.reason = "sink_full",
	};
	struct sink_dropped dropped;
	const char *name;

	sinks_give_up(&o->sinks, &lost, &dropped, &name);
	o->events -= dropped.lines < o->events ? dropped.lines : o->events;
	o->lost += dropped.events;
	if (!dropped.lines)
		return 0;
	return why(o->sinks.why, -EIO,
		   "%s is not read: %llu events that waited for it are lost (sink_full)", name,
		   (unsigned long long)dropped.events);
}
