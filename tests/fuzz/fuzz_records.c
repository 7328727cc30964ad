/* SPDX-License-Identifier: MIT */
/*
 * Records as an agent writes them, or whoever says to be one: what the first byte asks for, what
 * the output has room for (the second), then records. Of a bad one nothing is believed; what comes
 * out are lines of JSON that are pairs, and what was lost is told in them.
 */
#include <errno.h>

#include "assemble/assemble.h"
#include "base/map.h"
#include "checked.h"
#include "cost.h"
#include "decode/decode.h"
#include "filter/filter.h"
#include "ft_counters.h"
#include "fuzz.h"
#include "sink/line.h"
#include "sink/text_call.h"

#define WHOLE_TEXTS 1 /* of the first byte: what is cut is wanted whole */
#define SHORT_TEXTS 2
#define KEEP_ARGS 4

struct all {
	struct decoder *decoder;
	struct assembler *assembler;
	struct filter *filter;
	struct map open; /* spans */
	struct buf text;
	uint64_t lost, enters, exits;
	uint8_t denied; /* by the bits of it there is no room, in turn */
};

static const char *thread_name(void *arg, uint32_t pid, uint32_t tid)
{
	return decoder_thread_name(((struct all *)arg)->decoder, pid, tid);
}

static bool keep(void *arg, struct function *f)
{
	return filter_keep(((struct all *)arg)->filter, f);
}

static bool room(void *arg, bool begins)
{
	struct all *a = arg;

	a->denied = (uint8_t)(a->denied << 1 | a->denied >> 7);
	return !(a->denied & 1);
}

/* ---- lines -------------------------------------------------------------------------------- */

static void begins(struct all *a, const struct span *s)
{
	void *old = NULL;

	must(map_put(&a->open, s->id, 0, a, &old));
	if (old || !s->id || s->parent >= s->id)
		abort();
	a->enters++;
}

static void ends(struct all *a, const struct span *s)
{
	if (!map_take(&a->open, s->id, 0))
		abort();
	a->exits += !s->unfinished;
}

/* What was appended is one line. */
static void check_line(struct all *a, bool formatted)
{
	if (!formatted || a->text.s[a->text.len - 1] != '\n' ||
	    memchr(a->text.s, '\n', a->text.len - 1))
		abort();
	must_be_utf8(a->text.s, a->text.len);
	json_object_put(must_be_json(a->text.s, a->text.len - 1));
	buf_clear(&a->text);
}

static void check_text(struct all *a, const struct span *s)
{
	text_call(&a->text, s);
	text_end(&a->text, s);
	must_be_utf8(a->text.s, a->text.len);
	if (memchr(a->text.s, '\n', a->text.len) || memchr(a->text.s, 27, a->text.len))
		abort();
	buf_clear(&a->text);
}

static int on_begin(void *arg, const struct span *s)
{
	struct all *a = arg;

	begins(a, s);
	check_line(a, line_call(&a->text, LINE_ENTER, s, NULL));
	return 0;
}

static int on_end(void *arg, const struct span *s)
{
	struct all *a = arg;

	ends(a, s);
	check_text(a, s);
	if (s->unfinished)
		return 0;
	if (s->exception)
		check_line(a, line_call(&a->text, LINE_EXCEPTION, s, NULL));
	check_line(a, line_call(&a->text, LINE_EXIT, s, NULL));
	return 0;
}

static int on_request(void *arg, const struct request_span *r)
{
	struct all *a = arg;

	check_line(a, line_request(&a->text, r));
	return 0;
}

static int on_runtime(void *arg, const struct runtime_event *r)
{
	struct all *a = arg;

	check_line(a, line_runtime(&a->text, r));
	return 0;
}

static int on_lost(void *arg, const struct loss *l)
{
	struct all *a = arg;

	a->lost += l->count;
	check_line(a, line_lost(&a->text, l));
	return 0;
}

static int on_left_out(void *arg, const struct left_out *l)
{
	struct all *a = arg;

	check_line(a, line_left_out(&a->text, l));
	return 0;
}

static int on_state(void *arg, const struct state_change *c)
{
	struct all *a = arg;

	check_line(a, line_state(&a->text, c));
	return 0;
}

/* ---- records ------------------------------------------------------------------------------ */

/* One that ends where its memory does, as the kernel side hands it on: its size is right. */
static void use_record(struct all *a, const uint8_t *data, size_t size)
{
	struct ft_rec *rec = malloc(size);
	struct why w = {0};
	struct event e;
	int err;

	memcpy(rec, data, size);
	rec->size = (uint32_t)size;
	err = decoder_event(a->decoder, rec, size, &e, &w);
	if (err && err != -EBADMSG)
		abort();
	if (err)
		e = (struct event){.type = EVENT_LOST, .count = 1, .reason = FT_LOST_bad_record};
	must(assembler_event(a->assembler, &e));
	free(rec);
}

static void use_records(struct all *a, const uint8_t *data, size_t size)
{
	while (size >= sizeof(struct ft_rec)) {
		uint32_t n;

		memcpy(&n, data, sizeof(n));
		if (n < sizeof(struct ft_rec) || n > size || n % 8)
			n = (uint32_t)(size & ~(size_t)7);
		use_record(a, data, n);
		data += n;
		size -= n;
	}
}

static void start(struct all *a, uint8_t how)
{
	unsigned max = how & SHORT_TEXTS ? 20 : 1000;
	struct decoder_options decode = {max, true, true,
					 how & WHOLE_TEXTS ? FT_MAX_TOKEN_BYTES_INSIDE : 0};
	struct assembler_options assemble = {
		.max_arg_length = max,
		.args = true,
		.result = true,
		.full_texts = how & WHOLE_TEXTS,
		.thread_name = thread_name,
		.keep = keep,
		.room = room,
		.keep_args = how & KEEP_ARGS,
		.begin = on_begin,
		.end = on_end,
		.request = on_request,
		.runtime = on_runtime,
		.lost = on_lost,
		.left_out = on_left_out,
		.state = on_state,
		.arg = a,
	};

	must(decoder_new(&decode, &a->decoder));
	must(assembler_new(&assemble, &a->assembler));
	must(filter_new(NULL, 0, NULL, 0, &a->filter));
}

/* A call that began has ended, or is unfinished. */
static void finish(struct all *a)
{
	struct assembler_stats s;

	must(assembler_finish(a->assembler, 0));
	assembler_stats(a->assembler, &s);
	if (s.lost != a->lost || s.enters != a->enters || s.exits != a->exits ||
	    s.exits + s.responses + s.unfinished > s.enters + s.requests ||
	    (!a->denied && s.exits + s.responses + s.unfinished != s.enters + s.requests))
		abort();
	assembler_free(a->assembler);
	decoder_free(a->decoder);
	filter_free(a->filter);
	map_release(&a->open);
	buf_release(&a->text);
}

int fuzz_records(const uint8_t *data, size_t size)
{
	struct cost cost = cost_begin();
	struct all a = {0};

	if (size < 2)
		return 0;
	a.denied = data[1];
	start(&a, data[0]);
	use_records(&a, data + 2, size - 2);
	finish(&a);
	cost_check(&cost);
	return 0;
}
