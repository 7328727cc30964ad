/* SPDX-License-Identifier: MIT */
/*
 * For people: one line for a call that makes no other, two for one that does, indented by nesting,
 * as they happen.
 *
 *     10:00:00.000001    1.20 ms  shop.price(item="tea") -> 3
 *     10:00:00.000002             shop.total(items=["tea"]) {
 *     10:00:00.000003      12 us    shop.price(item="tea") -> 3
 *     10:00:00.000015      14 us  } shop.total -> 3
 *
 * A runtime event is one line, between the marks of a comment, as deep as the calls around it are.
 * A call that begins is held back until the next event, which may be its end, or until a lull.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/runtime_kind.h"
#include "base/safe_text.h"
#include "base/utf8.h"
#include "sink/sink.h"
#include "sink/stream.h"
#include "sink/text_call.h"

#define RED "\033[31m"
#define DIM "\033[2m"
#define PLAIN "\033[0m"
#define HEAD_WIDTH 28
#define DEPTH_SHOWN 40
#define LEAST_TEXT 20 /* columns, even if the terminal is narrower */

struct text_sink {
	struct sink sink;
	bool colors;
	size_t width;	   /* columns of the terminal; 0 = lines are not cut */
	struct map depths; /* an open call's id -> 1 + how deep it is */
	uint32_t pid;	   /* of the last line, */
	struct buf thread; /* and Python's name of its thread, */
	struct buf place;  /* and the fields that say where it runs */
	time_t second;	   /* clock[] shows it */
	char clock[16];
	uint64_t held; /* id of the call that is held back; 0 = none */
	uint64_t held_ns;
	unsigned held_depth;
	struct buf call, end, took; /* call: of the one that is held */
};

static struct text_sink *text_of(struct sink *s)
{
	return (struct text_sink *)s;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static void text_start(struct sink *sink, const struct sink_options *o)
{
	const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
	struct text_sink *s = text_of(sink);
	struct winsize size;

	sink->stream->safe = true;
	if (!isatty(sink->stream->fd))
		return;
	s->colors = (!plain || !*plain) && term && strcmp(term, "dumb");
	if (!ioctl(sink->stream->fd, TIOCGWINSZ, &size))
		s->width = size.ws_col;
}

static void text_release(struct sink *sink)
{
	struct text_sink *s = text_of(sink);

	map_release(&s->depths);
	buf_release(&s->thread);
	buf_release(&s->place);
	buf_release(&s->call);
	buf_release(&s->end);
	buf_release(&s->took);
}

/* ---- a line --------------------------------------------------------------------------------- */

static void put_clock(struct text_sink *s, struct buf *b, uint64_t ns)
{
	time_t second = ns / NS_PER_SECOND;
	char rest[16];
	struct tm tm;

	if (second != s->second || !*s->clock) {
		s->second = second;
		if (!localtime_r(&second, &tm) || !strftime(s->clock, sizeof(s->clock), "%T", &tm))
			strcpy(s->clock, "--:--:--");
	}
	snprintf(rest, sizeof(rest), ".%06u", (unsigned)(ns % NS_PER_SECOND / 1000));
	buf_str(b, s->clock);
	buf_str(b, rest);
}

static void put_spaces(struct buf *b, size_t n)
{
	while (n--)
		buf_char(b, ' ');
}

/* "call" is cut rather than "end". */
static void put_cut(struct text_sink *s, struct buf *b, size_t indent, const struct buf *call,
		    const struct buf *end)
{
	size_t room = s->width > HEAD_WIDTH + indent + LEAST_TEXT ? s->width - HEAD_WIDTH - indent
								  : LEAST_TEXT;
	size_t ncall = utf8_count(call->s, call->len), nend = utf8_count(end->s, end->len);
	size_t last = nend < room / 2 ? nend : room / 2;

	if (!s->width || ncall + nend <= room) {
		buf_add(b, call->s, call->len);
		buf_add(b, end->s, end->len);
		return;
	}
	if (ncall + last > room) {
		buf_add(b, call->s, utf8_prefix(call->s, call->len, room - last - 4));
		BUF_LITERAL(b, "...)");
		ncall = room - last;
	} else {
		buf_add(b, call->s, call->len);
	}
	if (nend <= room - ncall) {
		buf_add(b, end->s, end->len);
		return;
	}
	buf_add(b, end->s, utf8_prefix(end->s, end->len, room - ncall - 3));
	BUF_LITERAL(b, "...");
}

/* Writes the line of a call; `took` is empty when it is not over. */
static int put_line(struct text_sink *s, uint64_t at_ns, unsigned depth, bool red, struct why *w)
{
	struct buf *b = &s->sink.stream->text;
	size_t indent = 2 * (depth < DEPTH_SHOWN ? depth : DEPTH_SHOWN);

	if (s->colors)
		BUF_LITERAL(b, DIM);
	put_clock(s, b, at_ns);
	put_spaces(b, s->took.len < 11 ? 11 - s->took.len : 1);
	buf_add(b, s->took.s, s->took.len);
	if (s->colors)
		BUF_LITERAL(b, PLAIN);
	put_spaces(b, 2 + indent);
	if (s->colors && red)
		BUF_LITERAL(b, RED);
	put_cut(s, b, indent, &s->call, &s->end);
	if (s->colors && red)
		BUF_LITERAL(b, PLAIN);
	buf_char(b, '\n');
	if (b->failed || s->call.failed || s->end.failed)
		return why(w, -ENOMEM, "out of memory");
	return stream_filled(s->sink.stream, w);
}

static void clear(struct text_sink *s)
{
	buf_clear(&s->call);
	buf_clear(&s->end);
	buf_clear(&s->took);
}

/* Writes the begin of the call that is held back: it makes other calls, or takes long. */
static int show_held(struct text_sink *s, struct why *w)
{
	if (!s->held)
		return 0;
	s->held = 0;
	buf_clear(&s->took);
	buf_clear(&s->end);
	BUF_LITERAL(&s->end, " {");
	return put_line(s, s->held_ns, s->held_depth, false, w);
}

static bool is_kept(const struct buf *b, const char *s, size_t len)
{
	return b->len == len && !memcmp(b->s ?: "", s ?: "", len);
}

static void keep(struct buf *b, const char *s, size_t len)
{
	buf_clear(b);
	buf_add(b, s, len);
}

/* Writes a heading if the next line is of another thread, or that is in another container. */
static void put_thread(struct text_sink *s, uint32_t pid, const char *thread,
		       const struct workload *workload)
{
	struct buf *b = &s->sink.stream->text;
	size_t len = thread ? strlen(thread) : 0, at = workload ? workload->json_len : 0;
	const char *place = workload ? workload->json : NULL;
	char text[32];

	if (s->pid == pid && is_kept(&s->thread, thread, len) && is_kept(&s->place, place, at))
		return;
	s->pid = pid;
	keep(&s->thread, thread, len);
	keep(&s->place, place, at);
	snprintf(text, sizeof(text), "-- process %u", pid);
	buf_str(b, text);
	text_workload(b, workload);
	BUF_LITERAL(b, ", ");
	safe_text(b, thread ?: "", len);
	buf_char(b, '\n');
}

/* ---- calls ----------------------------------------------------------------------------------- */

static unsigned depth_below(const struct text_sink *s, uint64_t parent, bool in_request)
{
	uintptr_t depth = parent ? (uintptr_t)map_get(&s->depths, parent, 0) : 0;

	return depth ? depth : in_request;
}

static int text_begin(struct sink *sink, const struct span *span, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);

	if (err)
		return err;
	put_thread(s, span->pid, span->thread, span->workload);
	s->held = span->id;
	s->held_ns = span->start_ns;
	s->held_depth = depth_below(s, span->parent, span->request_id);
	if (map_put(&s->depths, span->id, 0, (void *)(uintptr_t)(s->held_depth + 1), NULL))
		return why(w, -ENOMEM, "out of memory");
	clear(s);
	text_call(&s->call, span);
	return 0;
}

/* The end of a call that is not held back: its begin is somewhere above. */
static int begin_end(struct text_sink *s, const struct span *span, struct why *w)
{
	int err = show_held(s, w);

	put_thread(s, span->pid, span->thread, span->workload);
	clear(s);
	BUF_LITERAL(&s->call, "} ");
	text_name(&s->call, span->function);
	return err;
}

static int text_end_of(struct sink *sink, const struct span *span, struct why *w)
{
	struct text_sink *s = text_of(sink);
	uintptr_t depth = (uintptr_t)map_take(&s->depths, span->id, 0);
	bool whole = s->held == span->id;
	int err = 0;

	if (span->unfinished && !whole)
		return 0;
	if (!whole)
		err = begin_end(s, span, w);
	if (err)
		return err;
	s->held = 0;
	if (!span->unfinished && !span->lost)
		text_duration(&s->took, span_ns(span->start_ns, span->end_ns));
	text_end(&s->end, span);
	return put_line(s, whole ? span->start_ns : span->end_ns, depth ? depth - 1 : 0,
			span->exception != NULL, w);
}

static int text_request_of(struct sink *sink, const struct request_span *r, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);
	char status[32];

	if (err)
		return err;
	put_thread(s, r->pid, r->thread, r->workload);
	clear(s);
	if (r->end_ns)
		BUF_LITERAL(&s->call, "} ");
	text_request(&s->call, r->http);
	if (!r->end_ns) {
		BUF_LITERAL(&s->end, " {");
		return put_line(s, r->start_ns, 0, false, w);
	}
	snprintf(status, sizeof(status), " -> %u", r->http->status);
	buf_str(&s->end, r->http->status ? status : " -> ?");
	text_duration(&s->took, span_ns(r->start_ns, r->end_ns));
	return put_line(s, r->end_ns, 0, r->http->status >= 500, w);
}

#define COMMENT "/* "

static int text_runtime_of(struct sink *sink, const struct runtime_event *r, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);

	if (err)
		return err;
	put_thread(s, r->pid, r->thread, r->workload);
	clear(s);
	BUF_LITERAL(&s->call, COMMENT);
	text_runtime(&s->call, r);
	BUF_LITERAL(&s->call, " */");
	if (runtime_kinds[r->kind].timed)
		text_duration(&s->took, span_ns(r->start_ns, r->end_ns));
	return put_line(s, r->start_ns, depth_below(s, r->parent, r->request_id), false, w);
}

#define LOST "LOST "

static int text_lost(struct sink *sink, const struct loss *l, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);
	char text[64];

	if (err)
		return err;
	clear(s);
	snprintf(text, sizeof(text), LOST "%llu events: ", (unsigned long long)l->count);
	buf_str(&s->call, text);
	buf_str(&s->call, l->reason);
	return put_line(s, l->at_ns, 0, true, w);
}

/* Begins a line that, like the heading of a thread, does not count as an event; the next one gets a
 * heading again. */
static struct buf *begin_note(struct text_sink *s, const char *what, uint64_t at_ns)
{
	struct buf *b = &s->sink.stream->text;

	s->pid = 0;
	BUF_LITERAL(b, "-- ");
	buf_str(b, what);
	BUF_LITERAL(b, " at ");
	put_clock(s, b, at_ns);
	return b;
}

static int end_note(struct text_sink *s, struct why *w)
{
	struct buf *b = &s->sink.stream->text;

	buf_char(b, '\n');
	return b->failed ? why(w, -ENOMEM, "out of memory") : stream_filled(s->sink.stream, w);
}

static int text_left_out(struct sink *sink, const struct left_out *l, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);
	char text[64];
	struct buf *b;

	if (err)
		return err;
	b = begin_note(s, "left out", l->at_ns);
	snprintf(text, sizeof(text), ": %llu by ", (unsigned long long)l->count);
	buf_str(b, text);
	buf_str(b, l->rule);
	return end_note(s, w);
}

static int text_state(struct sink *sink, const struct state_change *c, struct why *w)
{
	struct text_sink *s = text_of(sink);
	int err = show_held(s, w);
	struct buf *b;

	if (err)
		return err;
	b = begin_note(s, c->state, c->at_ns);
	if (c->reason) {
		BUF_LITERAL(b, ": ");
		buf_str(b, c->reason);
	}
	return end_note(s, w);
}

static void text_lull(struct sink *sink)
{
	(void)show_held(text_of(sink), NULL); /* a failure is reported by the next flush */
}

/* ---- dropped text --------------------------------------------------------------------------- */

/* The text of a line, after its colours and its head. */
static const char *text_in(const char *at, const char *end)
{
	const char *text = memmem(at, end - at, PLAIN, sizeof(PLAIN) - 1);

	at = text && text < at + 40 ? text + sizeof(PLAIN) - 1
				    : at + (end - at < 26 ? end - at : 26);
	while (at < end && *at == ' ')
		at++;
	return end - at > 5 && !memcmp(at, RED, 5) ? at + 5 : at;
}

static bool is_end(const char *text, const char *end)
{
	return end - text > 2 && !memcmp(text, "} ", 2);
}

static bool is_begin(const char *text, const char *end)
{
	return end - text > 2 && !memcmp(end - 2, " {", 2);
}

/* Neither a whole call nor a loss. */
static bool is_one(const char *text, const char *end)
{
	return is_begin(text, end) || is_end(text, end) ||
	       (end - text > 3 && !memcmp(text, COMMENT, 3));
}

static void text_count(const struct buf *rest, struct sink_dropped *ret)
{
	const char *at = rest->s, *last = rest->s + rest->len;

	while (at < last) {
		const char *next = memchr(at, '\n', last - at), *end = next ?: last;
		const char *text = text_in(at, end);

		ret->lines++;
		if (end - at > 2 && !memcmp(at, "--", 2)) /* a thread's name, or a note */
			ret->lines--;
		else if (end - text > 5 && !memcmp(text, LOST, 5))
			ret->told += strtoull(text + 5, NULL, 10);
		else
			ret->events += is_one(text, end) ? 1 : 2;
		at = end + 1;
	}
}

const struct sink_ops sink_text = {
	.kind = "text",
	.dest = "-",
	.size = sizeof(struct text_sink),
	.start = text_start,
	.begin = text_begin,
	.end = text_end_of,
	.request = text_request_of,
	.runtime = text_runtime_of,
	.lost = text_lost,
	.left_out = text_left_out,
	.state = text_state,
	.settle_text = text_lull,
	.count = text_count,
	.release = text_release,
};
