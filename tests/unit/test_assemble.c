/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "assemble/assemble.h"
#include "assemble/requests.h"
#include "base/buf.h"
#include "base/runtime_kind.h"
#include "ft_counters.h"
#include "ft_left_out.h"
#include "ft_state.h"

#define BASE 1000
#define PID 10

static struct assembler *a;
static struct buf out; /* one short line of text for each line */
static struct function plain = {.name = "f"}, generator = {.name = "g", .generator = true},
		       dropped = {.name = "d", .verdict = VERDICT_DROP};
static unsigned max_arg_length = 1000;
static bool full_texts, keep_args;
static bool no_begin, no_end; /* there is no room for lines that begin something, or end it */

static const char *name(void *arg, uint32_t pid, uint32_t tid)
{
	return "T";
}

static bool keep(void *arg, struct function *f)
{
	return f->verdict != VERDICT_DROP;
}

static bool room(void *arg, bool begins)
{
	return begins ? !no_begin : !no_end;
}

static void put(const char *text)
{
	buf_str(&out, text);
}

static void put_text(const char *before, const struct text *t)
{
	put(before);
	buf_add(&out, t->s, t->len);
}

static void put_call(const char *type, const struct span *s, uint64_t at_ns, uint64_t ns,
		     const struct text *value, const struct exception *x)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %lu:%lu at %lu", type, s->id - BASE,
		 s->parent ? s->parent - BASE : 0, at_ns / 1000);
	put(text);
	if (value && value->len)
		put_text(" ", value);
	if (x) {
		put_text(" ", &x->type);
		put_text("/", &x->message);
	}
	snprintf(text, sizeof(text), " for %lu%s", ns, s->lost ? " lost" : "");
	put(text);
	if (s->request_id)
		put_text(" of ", s->request_id);
	put("\n");
	if (value && value->full) {
		put("full ");
		buf_add(&out, value->full, value->full_len);
		put("\n");
	}
}

static int on_begin(void *arg, const struct span *s)
{
	put_call("ENTER", s, s->start_ns, 0, &s->args, NULL);
	return 0;
}

/* Of a call that failed as the two lines that it will be. */
static int on_end(void *arg, const struct span *s)
{
	uint64_t ns = span_ns(s->start_ns, s->end_ns);

	if (s->unfinished) {
		put_call("UNFINISHED", s, s->end_ns, ns, &s->args, NULL);
		return 0;
	}
	if (s->exception)
		put_call("EXCEPTION", s, s->end_ns, ns, NULL, s->exception);
	put_call("EXIT", s, s->end_ns, ns, &s->result, s->exception);
	if (s->args.s) {
		put_text("with ", &s->args);
		put("\n");
	}
	return 0;
}

static int on_request(void *arg, const struct request_span *r)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %.*s at %lu %u for %lu\n",
		 r->end_ns ? "RESPONSE" : "REQUEST", (int)r->http->id.len, r->http->id.s,
		 (r->end_ns ?: r->start_ns) / 1000, r->http->status,
		 span_ns(r->start_ns, r->end_ns));
	put(text);
	return 0;
}

static int on_runtime(void *arg, const struct runtime_event *r)
{
	char text[200];

	snprintf(text, sizeof(text), "%s %lu %lu took %lu in %lu\n", runtime_kinds[r->kind].event,
		 r->number[0], r->number[1], span_ns(r->start_ns, r->end_ns),
		 r->parent ? r->parent - BASE : 0);
	put(text);
	return 0;
}

static int on_lost(void *arg, const struct loss *l)
{
	char text[100];

	snprintf(text, sizeof(text), "LOST %lu %s\n", l->count, l->reason);
	put(text);
	return 0;
}

static int on_left_out(void *arg, const struct left_out *l)
{
	char text[100];

	snprintf(text, sizeof(text), "SAMPLED %lu %s\n", l->count, l->rule);
	put(text);
	return 0;
}

static int on_state(void *arg, const struct state_change *c)
{
	char text[100];

	snprintf(text, sizeof(text), "STATE %s at %lu %s\n", c->state, c->at_ns / 1000,
		 c->reason ?: "-");
	put(text);
	return 0;
}

static void setup(void)
{
	struct assembler_options o = {
		.span_base = BASE,
		.max_arg_length = max_arg_length,
		.args = true,
		.result = true,
		.full_texts = full_texts,
		.thread_name = name,
		.keep = keep,
		.room = room,
		.keep_args = keep_args,
		.begin = on_begin,
		.end = on_end,
		.request = on_request,
		.runtime = on_runtime,
		.lost = on_lost,
		.left_out = on_left_out,
		.state = on_state,
	};

	cr_assert_eq(assembler_new(&o, &a), 0);
}

static void teardown(void)
{
	assembler_free(a);
	buf_release(&out);
}

TestSuite(assemble, .init = setup, .fini = teardown);

static void send(const struct event *e)
{
	cr_assert_eq(assembler_event(a, e), 0);
}

static void enter(struct function *f, uint32_t tid, uint64_t ts, uint64_t parent_ns)
{
	send(&(struct event){.type = EVENT_ENTER,
			     .pid = PID,
			     .tid = tid,
			     .ts_ns = ts,
			     .function = f,
			     .span = {ts, tid},
			     .parent = {parent_ns, parent_ns ? tid : 0},
			     .value = {.s = "{}", .len = 2}});
}

static void leave_as(uint32_t pid, uint32_t tid, uint64_t ts, uint64_t start_ns, bool exc)
{
	send(&(struct event){.type = EVENT_EXIT,
			     .pid = pid,
			     .tid = tid,
			     .ts_ns = ts,
			     .function = &plain,
			     .span = {start_ns, 1},
			     .by_exception = exc,
			     .value = {.s = "7", .len = 1}});
}

static void leave(uint64_t ts, uint64_t start_ns)
{
	leave_as(PID, 1, ts, start_ns, false);
}

static void raise_at(uint64_t ts, uint64_t start_ns, const char *type, const char *message)
{
	send(&(struct event){.type = EVENT_RAISE,
			     .pid = PID,
			     .tid = 1,
			     .ts_ns = ts,
			     .function = &plain,
			     .span = {start_ns, 1},
			     .exc_type = {.s = type, .len = strlen(type)},
			     .exc_message = {.s = message, .len = strlen(message)}});
}

static void happen(enum event_type type, uint32_t pid, uint32_t tid)
{
	send(&(struct event){.type = type, .pid = pid, .tid = tid, .other_pid = 11});
}

static void expect(const char *want)
{
	buf_char(&out, 0);
	cr_assert_str_eq(out.s, want);
	buf_clear(&out);
}

static uint64_t unfinished(void)
{
	struct assembler_stats s;

	assembler_finish(a, 0);
	assembler_stats(a, &s);
	return s.unfinished;
}

Test(assemble, nested_calls)
{
	struct assembler_stats s;

	enter(&plain, 1, 1000, 0);
	enter(&plain, 1, 2000, 1000);
	leave(5000, 2000);
	leave(9000, 1000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "ENTER 2:1 at 2 {} for 0\n"
	       "EXIT 2:1 at 5 7 for 3000\n"
	       "EXIT 1:0 at 9 7 for 8000\n");
	cr_assert_eq(unfinished(), 0);
	assembler_stats(a, &s);
	cr_assert_eq(s.enters, 2);
	cr_assert_eq(s.exits, 2);
	cr_assert_eq(s.functions, 1);
}

Test(assemble, anchor)
{
	assembler_set_anchor(a, 5000, 1000000000);
	enter(&plain, 1, 4000, 0);
	enter(&plain, 1, 8000, 4000);
	expect("ENTER 1:0 at 999999 {} for 0\nENTER 2:1 at 1000003 {} for 0\n");
}

Test(assemble, dropped_calls_are_transparent)
{
	enter(&plain, 1, 1000, 0);
	enter(&dropped, 1, 2000, 1000);
	enter(&dropped, 1, 3000, 2000);
	enter(&plain, 1, 4000, 3000);
	leave(5000, 4000);
	leave(6000, 3000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "ENTER 2:1 at 4 {} for 0\n"
	       "EXIT 2:1 at 5 7 for 1000\n");
	cr_assert_eq(unfinished(), 1);
}

Test(assemble, left_by_exception)
{
	enter(&plain, 1, 1000, 0);
	raise_at(3000, 1000, "KeyError", "handled");
	raise_at(4000, 1000, "ValueError", "Invalid input");
	leave_as(PID, 1, 9000, 1000, true);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "EXCEPTION 1:0 at 4 ValueError/Invalid input for 3000\n"
	       "EXIT 1:0 at 4 {\"exception\": \"ValueError: Invalid input\"} "
	       "ValueError/Invalid input for 3000\n");
}

Test(assemble, exception_that_was_handled)
{
	enter(&plain, 1, 1000, 0);
	raise_at(3000, 1000, "KeyError", "handled");
	leave(9000, 1000);
	expect("ENTER 1:0 at 1 {} for 0\nEXIT 1:0 at 9 7 for 8000\n");
}

Test(assemble, exception_that_was_not_seen)
{
	enter(&plain, 1, 1000, 0);
	leave_as(PID, 1, 9000, 1000, true);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "EXCEPTION 1:0 at 9 <unknown>/ for 8000\n"
	       "EXIT 1:0 at 9 {\"exception\": \"<unknown>\"} <unknown>/ for 8000\n");
}

static void narrow(void)
{
	max_arg_length = 30;
	assembler_free(a); /* the suite's own */
	setup();
}

Test(assemble, long_exception_result, .init = narrow)
{
	enter(&plain, 1, 1000, 0);
	buf_clear(&out);
	raise_at(3000, 1000, "ValueError", "01234567890123456789012345");
	leave_as(PID, 1, 3000, 1000, true);
	expect("EXCEPTION 1:0 at 3 ValueError/01234567890123456789012345 for 2000\n"
	       "EXIT 1:0 at 3 {\"exception\": \"ValueError...\"} "
	       "ValueError/01234567890123456789012345 for 2000\n");
}

static void narrow_and_full(void)
{
	full_texts = true;
	narrow();
}

/* Cut here, and cut before: the whole of it is handed on. */
Test(assemble, full_exception_result, .init = narrow_and_full)
{
	struct event e = {
		.type = EVENT_RAISE,
		.pid = PID,
		.tid = 1,
		.ts_ns = 7000,
		.span = {5000, 1},
		.exc_type = {.s = "E", .len = 1},
		.exc_message =
			{.s = "01...", .len = 5, .cut = true, .full = "0123456", .full_len = 7},
	};

	enter(&plain, 1, 1000, 0);
	buf_clear(&out);
	raise_at(3000, 1000, "ValueError", "0123456789");
	leave_as(PID, 1, 3000, 1000, true);
	expect("EXCEPTION 1:0 at 3 ValueError/0123456789 for 2000\n"
	       "EXIT 1:0 at 3 {\"exception\": \"ValueError...\"} ValueError/0123456789 for 2000\n"
	       "full {\"exception\": \"ValueError: 0123456789\"}\n");
	enter(&plain, 1, 5000, 0);
	buf_clear(&out);
	send(&e);
	leave_as(PID, 1, 7000, 5000, true);
	expect("EXCEPTION 2:0 at 7 E/01... for 2000\n"
	       "EXIT 2:0 at 7 {\"exception\": \"E: 01...\"} E/01... for 2000\n"
	       "full {\"exception\": \"E: 0123456\"}\n");
}

Test(assemble, exit_that_was_lost)
{
	enter(&plain, 1, 1000, 0);
	enter(&plain, 1, 2000, 1000);
	enter(&generator, 1, 2500, 2000);
	enter(&plain, 1, 3000, 2500);
	buf_clear(&out);
	leave(9000, 1000);
	expect("EXIT 4:3 at 9 null for 6000 lost\n"
	       "EXIT 2:1 at 9 null for 7000 lost\n"
	       "EXIT 1:0 at 9 7 for 8000\n");
	/* The generator is only suspended. */
	leave(10000, 2500);
	expect("EXIT 3:2 at 10 7 for 7500\n");
}

Test(assemble, exit_that_was_lost_in_a_generator)
{
	enter(&generator, 1, 1000, 0);
	enter(&plain, 1, 2000, 1000);
	buf_clear(&out);
	leave(9000, 1000);
	expect("EXIT 2:1 at 9 null for 7000 lost\nEXIT 1:0 at 9 7 for 8000\n");
	cr_assert_eq(unfinished(), 0);
}

/* greenlets: two stacks on one thread, neither inside the other */
Test(assemble, calls_that_interleave)
{
	enter(&plain, 1, 1000, 0);
	enter(&plain, 1, 2000, 0);
	leave(3000, 1000);
	leave(4000, 2000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "ENTER 2:0 at 2 {} for 0\n"
	       "EXIT 1:0 at 3 7 for 2000\n"
	       "EXIT 2:0 at 4 7 for 2000\n");
}

Test(assemble, generator_ends_on_another_thread)
{
	enter(&generator, 1, 1000, 0);
	happen(EVENT_THREAD_EXIT, PID, 1);
	leave_as(PID, 2, 3000, 1000, false);
	expect("ENTER 1:0 at 1 {} for 0\nEXIT 1:0 at 3 7 for 2000\n");
	cr_assert_eq(unfinished(), 0);
}

Test(assemble, generator_that_was_dropped)
{
	enter(&generator, 1, 1000, 0);
	send(&(struct event){
		.type = EVENT_DROPPED, .pid = PID, .tid = 1, .ts_ns = 1500000, .span = {1000, 1}});
	leave(2000, 1000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "UNFINISHED 1:0 at 1500 for 1499000\n");
	cr_assert_eq(unfinished(), 1);
}

static void keeping(void)
{
	keep_args = true;
	setup();
}

/* The end has them too, and a call that is not over when the trace ends. */
Test(assemble, kept_arguments, .init = keeping)
{
	enter(&plain, 1, 1000, 0);
	enter(&plain, 1, 2000, 1000);
	enter(&plain, 1, 3000, 2000);
	leave(4000, 3000);
	buf_clear(&out);
	leave(5000, 2000);
	enter(&plain, 1, 6000, 1000);
	cr_assert_eq(assembler_finish(a, 0), 0);
	expect("EXIT 2:1 at 5 7 for 3000\n"
	       "with {}\n"
	       "ENTER 4:1 at 6 {} for 0\n"
	       "UNFINISHED 4:1 at 6 {} for 0\n"
	       "UNFINISHED 1:0 at 6 {} for 5000\n");
}

Test(assemble, exits_without_a_call)
{
	leave(2000, 1000);
	enter(&plain, 1, 3000, 1000);
	expect("ENTER 1:0 at 3 {} for 0\n");
	leave(4000, 3000);
	buf_clear(&out);
	leave(5000, 3000);
	expect("");
}

Test(assemble, fork)
{
	enter(&plain, 1, 1000, 0);
	happen(EVENT_PROC_FORK, PID, 1);
	buf_clear(&out);
	leave_as(11, 11, 2000, 1000, false);
	expect("");
	leave(3000, 1000);
	expect("EXIT 1:0 at 3 7 for 2000\n");
}

Test(assemble, unfinished)
{
	enter(&plain, 1, 1000, 0);
	enter(&dropped, 1, 1500, 1000);
	enter(&generator, 1, 2000, 1000);
	enter(&plain, 2, 1000, 0);
	happen(EVENT_THREAD_EXIT, PID, 2);
	happen(EVENT_PROC_EXEC, PID, 1);
	buf_clear(&out);
	leave(9000, 1000);
	expect("");
	enter(&plain, 1, 9000, 0);
	cr_assert_eq(unfinished(), 4);
}

Test(assemble, lost)
{
	struct assembler_stats s;

	send(&(struct event){.type = EVENT_LOST, .count = 5, .reason = FT_LOST_ring_full});
	send(&(struct event){.type = EVENT_LOST, .count = 1, .reason = 12345});
	send(&(struct event){.type = EVENT_ENTER, .span = {1, 1}});
	expect("LOST 5 ring_full\nLOST 1 unknown\nLOST 2 emit_code\n");
	assembler_stats(a, &s);
	cr_assert_eq(s.lost, 8);
}

/* ---- runtime events ---------------------------------------------------------------- */

static void collect(uint32_t tid, uint64_t ts, uint64_t took, uint64_t parent_ns)
{
	send(&(struct event){.type = EVENT_RUNTIME,
			     .pid = PID,
			     .tid = tid,
			     .ts_ns = ts,
			     .kind = FT_RUNTIME_GC,
			     .first_ns = ts - took,
			     .parent = {parent_ns, parent_ns ? tid : 0},
			     .number = {2, 13}});
}

Test(assemble, a_runtime_event_changes_no_call)
{
	collect(1, 900, 100, 0);
	enter(&plain, 1, 1000, 0);
	enter(&dropped, 1, 2000, 1000);
	collect(1, 2500, 400, 2000);
	collect(1, 2600, 0, 777); /* a call that is not in the trace */
	leave(3000, 2000);
	leave(4000, 1000);
	expect("GC 2 13 took 100 in 0\n"
	       "ENTER 1:0 at 1 {} for 0\n"
	       "GC 2 13 took 400 in 1\n"
	       "GC 2 13 took 0 in 0\n"
	       "EXIT 1:0 at 4 7 for 3000\n");
	cr_assert_eq(unfinished(), 0);
}

/* ---- an output that is full --------------------------------------------------------- */

static void fills(bool begin, bool end)
{
	no_begin = begin;
	no_end = end;
}

static uint64_t lost(void)
{
	struct assembler_stats s;

	assembler_stats(a, &s);
	return s.lost;
}

Test(assemble, no_room_for_a_call)
{
	enter(&plain, 1, 1000, 0);
	fills(true, false);
	enter(&plain, 1, 2000, 1000);
	leave(3000, 2000); /* as a whole: its end has no beginning */
	fills(false, false);
	expect("ENTER 1:0 at 1 {} for 0\n");
	cr_assert_eq(lost(), 2);
	enter(&plain, 1, 4000, 1000);
	leave(5000, 4000);
	leave(6000, 1000);
	expect("LOST 2 sink_full\n"
	       "ENTER 2:1 at 4 {} for 0\n"
	       "EXIT 2:1 at 5 7 for 1000\n"
	       "EXIT 1:0 at 6 7 for 5000\n");
	cr_assert_eq(unfinished(), 0);
}

Test(assemble, no_room_for_a_runtime_event)
{
	fills(false, true);
	collect(1, 900, 100, 0);
	fills(false, false);
	cr_assert_eq(lost(), 1);
	collect(1, 1900, 100, 0);
	expect("LOST 1 sink_full\n"
	       "GC 2 13 took 100 in 0\n");
}

/* What a lost call calls hangs under the nearest one that is there. */
Test(assemble, no_room_for_the_caller)
{
	enter(&plain, 1, 1000, 0);
	fills(true, false);
	enter(&plain, 1, 2000, 1000);
	fills(false, false);
	enter(&plain, 1, 3000, 2000);
	leave(4000, 3000);
	leave(5000, 2000);
	leave(6000, 1000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "LOST 2 sink_full\n"
	       "ENTER 2:1 at 3 {} for 0\n"
	       "EXIT 2:1 at 4 7 for 1000\n"
	       "EXIT 1:0 at 6 7 for 5000\n");
	cr_assert_eq(lost(), 2);
}

/* A call that began is closed by the one around it, and says that its end was lost. */
Test(assemble, no_room_for_an_end)
{
	enter(&plain, 1, 1000, 0);
	enter(&plain, 1, 2000, 1000);
	fills(true, true);
	leave(3000, 2000);
	cr_assert_eq(lost(), 1);
	fills(false, false);
	leave(9000, 1000);
	expect("ENTER 1:0 at 1 {} for 0\n"
	       "ENTER 2:1 at 2 {} for 0\n"
	       "LOST 1 sink_full\n"
	       "EXIT 2:1 at 9 null for 7000 lost\n"
	       "EXIT 1:0 at 9 7 for 8000\n");
	cr_assert_eq(unfinished(), 0);
}

/* Losses wait for room as well, each by its reason, at the latest for the end. */
Test(assemble, no_room_for_losses)
{
	fills(true, true);
	send(&(struct event){.type = EVENT_LOST, .count = 5, .reason = FT_LOST_ring_full});
	send(&(struct event){.type = EVENT_LOST, .count = 2, .reason = FT_LOST_ring_full});
	enter(&plain, 1, 1000, 0);
	cr_assert_eq(out.len, 0);
	cr_assert_eq(lost(), 9);
	cr_assert_eq(unfinished(), 0);
	expect("LOST 7 ring_full\nLOST 2 sink_full\n");
}

/* That tracing ends is told without room, after what was lost until then. */
Test(assemble, no_room_for_a_state)
{
	send(&(struct event){.type = EVENT_STATE, .ts_ns = 1000, .kind = FT_STATE_attached});
	fills(true, true);
	send(&(struct event){.type = EVENT_LOST, .count = 5, .reason = FT_LOST_ring_full});
	send(&(struct event){.type = EVENT_STATE,
			     .ts_ns = 9000,
			     .kind = FT_STATE_detached,
			     .reason = FT_REASON_duration});
	expect("STATE attached at 1 -\n"
	       "LOST 5 ring_full\n"
	       "STATE detached at 9 duration\n");
	cr_assert_eq(unfinished(), 0);
}

/* What was left out is told without room, and is no loss. */
Test(assemble, no_room_for_what_was_left_out)
{
	fills(true, true);
	send(&(struct event){
		.type = EVENT_SAMPLED, .count = 1ull << 40, .kind = FT_LEFT_OUT_sample});
	expect("SAMPLED 1099511627776 sample\n");
	cr_assert_eq(lost(), 0);
	cr_assert_eq(unfinished(), 0);
}

/* What is open is the only thing that takes memory: many threads come and go. */
Test(assemble, many)
{
	for (unsigned tid = 1; tid < 3000; tid++) {
		for (unsigned i = 0; i < 20; i++)
			enter(i % 3 ? &plain : &generator, tid, 1000 + i, i ? 999 + i : 0);
		buf_clear(&out);
		if (tid % 2)
			happen(EVENT_THREAD_EXIT, PID, tid);
	}
	cr_assert_eq(unfinished(), 2999 * 20);
}

/* ---- HTTP ----------------------------------------------------------------------- */

static void request(enum event_type type, uint64_t ts, uint64_t number, const char *id, bool kept)
{
	struct http http = {.status = type == EVENT_HTTP_RESPONSE ? 200 : 0};

	if (id)
		http.id = (struct text){.s = id, .len = strlen(id)};
	send(&(struct event){.type = type,
			     .pid = PID,
			     .tid = 1,
			     .ts_ns = ts,
			     .request = number,
			     .http = &http,
			     .kept = kept});
}

static void enter_for(uint64_t ts, uint64_t number)
{
	send(&(struct event){.type = EVENT_ENTER,
			     .pid = PID,
			     .tid = 1,
			     .ts_ns = ts,
			     .function = &plain,
			     .span = {ts, 1},
			     .request = number,
			     .value = {.s = "{}", .len = 2}});
}

Test(assemble, calls_of_a_request)
{
	request(EVENT_HTTP_REQUEST, 1000, 7, "a", false);
	enter_for(2000, 7);
	enter_for(3000, 8);
	leave(4000, 3000);
	request(EVENT_HTTP_RESPONSE, 5000, 7, NULL, false);
	leave(6000, 2000); /* holds what it needs */
	enter_for(7000, 7);
	expect("REQUEST a at 1 0 for 0\n"
	       "ENTER 1:0 at 2 {} for 0 of a\n"
	       "ENTER 2:0 at 3 {} for 0\n"
	       "EXIT 2:0 at 4 7 for 1000\n"
	       "RESPONSE a at 5 200 for 4000\n"
	       "EXIT 1:0 at 6 7 for 4000 of a\n"
	       "ENTER 3:0 at 7 {} for 0\n");
	cr_assert_eq(unfinished(), 1);
}

Test(assemble, no_room_for_a_request)
{
	fills(true, false);
	request(EVENT_HTTP_REQUEST, 1000, 7, "a", false);
	fills(false, false);
	enter_for(2000, 7);
	leave(3000, 2000);
	request(EVENT_HTTP_RESPONSE, 4000, 7, NULL, false);
	request(EVENT_HTTP_REQUEST, 5000, 8, "b", false);
	fills(false, true);
	request(EVENT_HTTP_RESPONSE, 6000, 8, NULL, false);
	fills(false, false);
	cr_assert_eq(lost(), 3);
	expect("LOST 2 sink_full\n"
	       "ENTER 1:0 at 2 {} for 0 of a\n"
	       "EXIT 1:0 at 3 7 for 1000 of a\n"
	       "REQUEST b at 5 0 for 0\n");
	cr_assert_eq(unfinished(), 0);
	expect("LOST 1 sink_full\n");
}

Test(assemble, requests_without_a_name)
{
	request(EVENT_HTTP_REQUEST, 1000, 7, NULL, false);
	enter_for(2000, 7);
	expect("REQUEST  at 1 0 for 0\nENTER 1:0 at 2 {} for 0\n");
}

Test(assemble, calls_after_a_response)
{
	request(EVENT_HTTP_REQUEST, 1000, 7, "a", false);
	request(EVENT_HTTP_RESPONSE, 2000, 7, NULL, true);
	enter_for(3000, 7);
	request(EVENT_HTTP_FORGET, 4000, 7, NULL, false);
	leave(5000, 3000);
	expect("REQUEST a at 1 0 for 0\n"
	       "RESPONSE a at 2 200 for 1000\n"
	       "ENTER 1:0 at 3 {} for 0 of a\n"
	       "EXIT 1:0 at 5 7 for 2000 of a\n");
	cr_assert_eq(unfinished(), 0);
}

Test(assemble, requests_in_pairs)
{
	request(EVENT_HTTP_RESPONSE, 1000, 7, NULL, false);
	request(EVENT_HTTP_REQUEST, 2000, 7, "a", false);
	request(EVENT_HTTP_REQUEST, 3000, 7, "b", false);
	request(EVENT_HTTP_RESPONSE, 4000, 7, NULL, true);
	request(EVENT_HTTP_RESPONSE, 5000, 7, NULL, true);
	request(EVENT_HTTP_REQUEST, 6000, 8, "c", false);
	happen(EVENT_PROC_EXIT, PID, 1);
	request(EVENT_HTTP_REQUEST, 7000, 9, "d", false);
	expect("REQUEST a at 2 0 for 0\n"
	       "REQUEST b at 3 0 for 0\n"
	       "RESPONSE b at 4 200 for 1000\n"
	       "REQUEST c at 6 0 for 0\n"
	       "REQUEST d at 7 0 for 0\n");
	cr_assert_eq(unfinished(), 3); /* a, c and d */
}

Test(assemble, requests_that_are_over_are_not_kept_for_ever)
{
	static struct requests r;
	struct http http = {};
	struct request *old;

	for (uint64_t n = 1; n <= REQUESTS_KEPT + 2; n++) {
		struct event e = {.pid = PID, .request = n, .http = &http};

		cr_assert_eq(requests_add(&r, &e, &old), 0);
		if (n != 2)
			requests_find(&r, PID, n)->over = true;
		requests_keep(&r, PID, n);
	}
	cr_assert_null(requests_find(&r, PID, 1));
	cr_assert_not_null(requests_find(&r, PID, 2), "the number is one's that is not over");
	cr_assert_not_null(requests_find(&r, PID, 3));
	cr_assert_eq(requests_release(&r), 1);
}
