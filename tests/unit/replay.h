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
#include "sink/sink.h"

struct replay {
	struct decoder *decoder;
	struct assembler *assembler;
	struct filter *filter;
	struct sink *sink;
	struct why *w;
};

static inline const char *replay_thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	return decoder_thread_name(((struct replay *)arg)->decoder, pid, tid);
}

static inline bool replay_keep(void *arg, struct function *f)
{
	return filter_keep(((struct replay *)arg)->filter, f);
}

static inline int replay_line(void *arg, const struct line *l)
{
	struct replay *r = arg;

	return r->sink->ops->line(r->sink, l, r->w);
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

/* span numbers begin at 1. ret_stats may be NULL. */
static inline int replay(const char *recording, const char *output, unsigned max_arg_length,
			 struct assembler_stats *ret_stats, struct why *w)
{
	struct replay r = {.w = w};
	struct decoder_options decoding = {max_arg_length, true, true, 0};
	struct assembler_options o = {
		.max_arg_length = max_arg_length,
		.args = true,
		.result = true,
		.thread_name = replay_thread_name,
		.keep = replay_keep,
		.line = replay_line,
		.arg = &r,
	};
	int err;

	if (decoder_new(&decoding, &r.decoder) || assembler_new(&o, &r.assembler) ||
	    filter_new(NULL, 0, NULL, 0, &r.filter))
		abort();
	err = sink_jsonl_new(output, false, -1, -1, &r.sink, w);
	if (!err)
		err = recording_read(recording, replay_record, &r, w);
	if (!err)
		err = assembler_finish(r.assembler);
	if (!err)
		err = r.sink->ops->flush(r.sink, w);
	if (ret_stats)
		assembler_stats(r.assembler, ret_stats);
	if (r.sink)
		r.sink->ops->free(r.sink);
	assembler_free(r.assembler);
	decoder_free(r.decoder);
	filter_free(r.filter);
	return err;
}

#endif
