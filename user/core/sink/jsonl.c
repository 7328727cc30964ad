/* SPDX-License-Identifier: MIT */
/*
 * JSON lines (docs/events.md): ENTER and EXIT of a call, EXCEPTION before its EXIT where it failed.
 */
#include <errno.h>
#include <stdlib.h>

#include "sink/line.h"
#include "sink/segment.h"
#include "sink/sink.h"
#include "sink/stream.h"

struct jsonl {
	struct sink sink;
	struct segments *segments; /* borrowed; NULL = none */
};

static struct jsonl *jsonl_of(struct sink *s)
{
	return (struct jsonl *)s;
}

static void jsonl_start(struct sink *sink, const struct sink_options *o)
{
	jsonl_of(sink)->segments = o->segments;
}

/* Writes the segment before the line that names it. */
static int put(struct sink *sink, enum line_type type, const struct span *span, struct why *w)
{
	struct segments *segments = jsonl_of(sink)->segments;
	const char *file = NULL;
	int err = 0;

	if (segments && segment_wanted(type, span))
		err = segment_write(segments, type, span, &file, w);
	if (!err && !line_call(&sink->stream->text, type, span, file))
		err = why(w, -ENOMEM, "out of memory");
	return err ? err : stream_filled(sink->stream, w);
}

static int jsonl_begin(struct sink *sink, const struct span *span, struct why *w)
{
	return put(sink, LINE_ENTER, span, w);
}

static int jsonl_end(struct sink *sink, const struct span *span, struct why *w)
{
	int err = 0;

	if (span->unfinished)
		return 0;
	if (span->exception)
		err = put(sink, LINE_EXCEPTION, span, w);
	return err || span->last ? err : put(sink, LINE_EXIT, span, w);
}

static int jsonl_request(struct sink *sink, const struct request_span *r, struct why *w)
{
	if (!line_request(&sink->stream->text, r))
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(sink->stream, w);
}

static int jsonl_runtime(struct sink *sink, const struct runtime_event *r, struct why *w)
{
	if (!line_runtime(&sink->stream->text, r))
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(sink->stream, w);
}

static int jsonl_lost(struct sink *sink, const struct loss *l, struct why *w)
{
	if (!line_lost(&sink->stream->text, l))
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(sink->stream, w);
}

static int jsonl_left_out(struct sink *sink, const struct left_out *l, struct why *w)
{
	if (!line_left_out(&sink->stream->text, l))
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(sink->stream, w);
}

static int jsonl_state(struct sink *sink, const struct state_change *c, struct why *w)
{
	if (!line_state(&sink->stream->text, c))
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(sink->stream, w);
}

#define LOST_LINE "\"event\": \"LOST\", \"count\": "
#define EVENT_WITHIN 96 /* bytes of a line, which have its event */

/* STATE and SAMPLED tell of the trace, not of the target. */
static bool is_event(const char *at, size_t head)
{
	return !memmem(at, head, "\"event\": \"STATE\"", 16) &&
	       !memmem(at, head, "\"event\": \"SAMPLED\"", 18);
}

static void jsonl_count(const struct buf *text, struct sink_dropped *ret)
{
	const char *at = text->s, *end = text->s + text->len;

	while (at < end) {
		const char *next = memchr(at, '\n', end - at);
		size_t len = next ? (size_t)(next - at) : (size_t)(end - at);
		size_t head = len < EVENT_WITHIN ? len : EVENT_WITHIN;
		const char *lost = memmem(at, head, LOST_LINE, sizeof(LOST_LINE) - 1);
		bool event = is_event(at, head);

		ret->lines += event;
		if (lost)
			ret->told += strtoull(lost + sizeof(LOST_LINE) - 1, NULL, 10);
		else
			ret->events += event;
		at += len + 1;
	}
}

const struct sink_ops sink_jsonl = {
	.kind = "jsonl",
	.dest = "flowtrace.jsonl",
	.size = sizeof(struct jsonl),
	.start = jsonl_start,
	.begin = jsonl_begin,
	.end = jsonl_end,
	.request = jsonl_request,
	.runtime = jsonl_runtime,
	.lost = jsonl_lost,
	.left_out = jsonl_left_out,
	.state = jsonl_state,
	.count = jsonl_count,
};
