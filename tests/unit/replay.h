/* SPDX-License-Identifier: MIT */
/*
 * A recording through the whole core: recording_read -> decode -> assemble -> sink.
 */
#ifndef FT_TEST_REPLAY_H
#define FT_TEST_REPLAY_H

#include <stdio.h>
#include <stdlib.h>

#include "assemble/assemble.h"
#include "decode/decode.h"
#include "filter/filter.h"
#include "recording/recording.h"
#include "sink/sinks.h"

struct replay {
	struct decoder *decoder;
	struct assembler *assembler;
	struct filter *filter;
	struct sinks sinks;
	struct why *w;
};

static inline const char *replay_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	return decoder_thread_name(((struct replay *)arg)->decoder, pid, tid);
}

static inline const struct workload *replay_workload(void *arg, uint32_t pid)
{
	return decoder_workload(((struct replay *)arg)->decoder, pid);
}

static inline bool replay_keep(void *arg, struct function *f)
{
	return filter_keep(((struct replay *)arg)->filter, f);
}

static inline int replay_begin(void *arg, const struct span *s)
{
	return sinks_begin(&((struct replay *)arg)->sinks, s);
}

static inline int replay_end(void *arg, const struct span *s)
{
	return sinks_end(&((struct replay *)arg)->sinks, s);
}

static inline int replay_request(void *arg, const struct request_span *r)
{
	return sinks_request(&((struct replay *)arg)->sinks, r);
}

static inline int replay_runtime(void *arg, const struct runtime_event *r)
{
	return sinks_runtime(&((struct replay *)arg)->sinks, r);
}

static inline int replay_lost(void *arg, const struct loss *l)
{
	return sinks_lost(&((struct replay *)arg)->sinks, l);
}

static inline int replay_left_out(void *arg, const struct left_out *l)
{
	return sinks_left_out(&((struct replay *)arg)->sinks, l);
}

static inline int replay_state(void *arg, const struct state_change *c)
{
	return sinks_state(&((struct replay *)arg)->sinks, c);
}

static inline int replay_record(void *arg, const struct ft_rec *rec, size_t size)
{
	struct replay *r = arg;
	struct event e;
	int err = decoder_event(r->decoder, rec, size, &e, r->w);

	if (err)
		return err;
	if (e.type == EVENT_SESSION)
		assembler_set_anchor(r->assembler, rec->ts_ns,
				     ((const struct ft_rec_session *)rec)->realtime_ns);
	return assembler_event(r->assembler, &e);
}

/* to: KIND:FILE. Span numbers begin at 1. ret_stats may be NULL. */
/* Ways to pack the output by its name; NULL: none. */
static const struct packing *const *replay_packings;

static inline int replay(const char *recording, const char *to, unsigned max_arg_length,
			 struct assembler_stats *ret_stats, struct why *w)
{
	struct replay r = {.w = w};
	struct decoder_options decoding = {max_arg_length, true, true, 0};
	struct assembler_options o = {
		.max_arg_length = max_arg_length,
		.args = true,
		.result = true,
		.thread_name = replay_thread_name,
		.workload = replay_workload,
		.keep = replay_keep,
		.begin = replay_begin,
		.end = replay_end,
		.request = replay_request,
		.runtime = replay_runtime,
		.lost = replay_lost,
		.left_out = replay_left_out,
		.state = replay_state,
		.arg = &r,
	};
	struct sink_options sink = {.stream = {.uid = -1, .gid = -1, .packings = replay_packings}};
	int err;

	if (decoder_new(&decoding, &r.decoder) || assembler_new(&o, &r.assembler) ||
	    filter_new(NULL, 0, NULL, 0, &r.filter))
		abort();
	r.sinks.why = w;
	err = sinks_add(&r.sinks, to, &sink);
	if (!err)
		err = recording_read(recording, replay_record, &r, w);
	if (!err)
		err = assembler_finish(r.assembler, 0);
	if (!err)
		err = sinks_settle(&r.sinks, 0);
	if (ret_stats)
		assembler_stats(r.assembler, ret_stats);
	sinks_release(&r.sinks);
	assembler_free(r.assembler);
	decoder_free(r.decoder);
	filter_free(r.filter);
	return err;
}

#endif
