/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/sinks.h"

static char path[] = "/tmp/ft-jsonl-XXXXXX";
static struct why w;
static struct sinks sinks = {.why = &w};

static struct function fn = {
	.json_head = (char *)"\"module\": \"m\", \"function\": \"f\"",
	.json_tail =
		(char *)"\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3",
};

#define TEXT(literal)                                                                              \
	{                                                                                          \
		.s = literal, .len = sizeof(literal) - 1                                           \
	}

#define START_NS 1700000000122222000
#define END_NS (START_NS + 1234567)

static struct span make(void)
{
	return (struct span){
		.id = 9007199254740991,
		.parent = 5,
		.pid = 10,
		.tid = 11,
		.from = 11,
		.thread = "T",
		.function = &fn,
		.start_ns = START_NS,
		.args_limit = 1000,
		.result_limit = 1000,
	};
}

static struct span made(const char *result)
{
	struct span s = make();

	s.end_ns = END_NS;
	s.result = (struct text){.s = result, .len = strlen(result)};
	return s;
}

static void open_sink(bool joins)
{
	char to[64];

	snprintf(to, sizeof(to), "jsonl:%s", path);
	cr_assert_eq(
		sinks_add(&sinks, to,
			  &(struct sink_options){.stream = {.uid = -1, .gid = -1, .joins = joins}}),
		0, "%s", w.text);
}

static void setup(void)
{
	close(mkstemp(path));
	unlink(path);
	open_sink(false);
}

static void teardown(void)
{
	sinks_release(&sinks);
	unlink(path);
}

TestSuite(jsonl, .init = setup, .fini = teardown);

static void expect(const char *want)
{
	char got[4096];
	FILE *f;
	size_t n;

	cr_assert_eq(sinks_flush(&sinks), 0);
	f = fopen(path, "r");
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = 0;
	fclose(f);
	cr_assert_str_eq(got, want);
}

static void end(const struct span *s)
{
	cr_assert_eq(sinks_end(&sinks, s), 0);
}

Test(jsonl, enter)
{
	struct span s = make();

	s.thread = "Main\"Thread";
	s.args = (struct text)TEXT("{\"a\": \"x\\n\"}");
	cr_assert_eq(sinks_begin(&sinks, &s), 0);
	expect("{\"timestamp\": 1700000000122222, \"event\": \"ENTER\", \"thread\": "
	       "\"Main\\\"Thread\", "
	       "\"module\": \"m\", \"function\": \"f\", \"args\": \"{\\\"a\\\": \\\"x\\\\n\\\"}\", "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5}\n");
}

Test(jsonl, exit_that_was_cut)
{
	struct span s = made("[1]");

	s.result.cut = true;
	s.result.original_len = 2000;
	s.lost = true;
	end(&s);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"EXIT\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", \"result\": \"[1]\", "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5, "
	       "\"truncatedFields\": {\"result\": {\"threshold\": 1000, \"originalLength\": "
	       "2000}}, "
	       "\"lost\": true}\n");
}

Test(jsonl, exception)
{
	struct exception x = {.type = TEXT("E"), .message = TEXT("\xed\xb2\x80")};
	struct span s = made("{}");

	s.exception = &x;
	s.result.cut = x.message.cut = true;
	end(&s);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"EXCEPTION\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", "
	       "\"exception\": {\"type\": \"E\", \"message\": \"\\udc80\"}, "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5, "
	       "\"truncatedFields\": {\"exception\": {\"threshold\": 1000}}}\n"
	       "{\"timestamp\": 1700000000123456, \"event\": \"EXIT\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", \"result\": \"{}\", "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5, "
	       "\"exception\": {\"type\": \"E\", \"message\": \"\\udc80\"}, "
	       "\"truncatedFields\": {\"result\": {\"threshold\": 1000}, "
	       "\"exception\": {\"threshold\": 1000}}}\n");
}

Test(jsonl, http)
{
	struct http http = {.id = TEXT("a\"1"),
			    .method = TEXT("GET"),
			    .path = TEXT("/caf\xc3\xa9"),
			    .user_agent = TEXT("")};
	struct request_span r = {.pid = 10,
				 .tid = 11,
				 .thread = "Main\"Thread",
				 .start_ns = START_NS,
				 .http = &http};

	cr_assert_eq(sinks_request(&sinks, &r), 0);
	r.end_ns = END_NS;
	http.status = 404;
	cr_assert_eq(sinks_request(&sinks, &r), 0);
	expect("{\"timestamp\": 1700000000122222, \"event\": \"HTTP_REQUEST\", \"request_id\": "
	       "\"a\\\"1\", \"method\": \"GET\", \"path\": \"/caf\xc3\xa9\", "
	       "\"remote_addr\": null, \"user_agent\": \"\", \"pid\": 10, \"tid\": 11, "
	       "\"thread\": \"Main\\\"Thread\"}\n"
	       "{\"timestamp\": 1700000000123456, \"event\": \"HTTP_RESPONSE\", \"request_id\": "
	       "\"a\\\"1\", \"method\": \"GET\", \"path\": \"/caf\xc3\xa9\", "
	       "\"status_code\": 404, \"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"pid\": 10, \"tid\": 11, \"thread\": \"Main\\\"Thread\"}\n");
}

Test(jsonl, a_call_of_a_request)
{
	struct span s = made("1");
	struct text id = TEXT("a-1");

	s.result.cut = true;
	s.request_id = &id;
	end(&s);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"EXIT\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", \"result\": \"1\", "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5, "
	       "\"request_id\": \"a-1\", \"truncatedFields\": {\"result\": {\"threshold\": "
	       "1000}}}\n");
}

static void lose(unsigned count)
{
	struct loss l = {.at_ns = 1000, .count = count, .pid = 2, .tid = 3, .reason = "ring_full"};

	cr_assert_eq(sinks_lost(&sinks, &l), 0);
}

#define LOST_LINE(count)                                                                           \
	"{\"timestamp\": 1, \"event\": \"LOST\", \"count\": " count                                \
	", \"reason\": \"ring_full\", \"pid\": 2, \"tid\": 3}\n"

Test(jsonl, lost)
{
	lose(7);
	expect(LOST_LINE("7"));
}

Test(jsonl, file_is_private)
{
	struct stat st;

	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
}

Test(jsonl, reopen)
{
	char old[64];

	snprintf(old, sizeof(old), "%s.1", path);
	lose(1);
	rename(path, old);
	cr_assert_eq(sinks_reopen(&sinks, &w), 0);
	lose(2);
	expect(LOST_LINE("2"));
	unlink(old);
}

/* What an earlier run left unfinished stays a line of its own. */
Test(jsonl, appends_after_a_torn_line)
{
	FILE *f = fopen(path, "w");

	fputs("{\"torn", f);
	fclose(f);
	sinks_release(&sinks);
	open_sink(false);
	lose(1);
	expect("{\"torn\n" LOST_LINE("1"));
}

/* One that another process is within is ended by that process. */
Test(jsonl, joins_within_a_line)
{
	FILE *f = fopen(path, "w");

	fputs("{\"half", f);
	fclose(f);
	sinks_release(&sinks);
	open_sink(true);
	lose(1);
	expect("{\"half" LOST_LINE("1"));
}

/* What is dropped with its output: lines about the trace do not count. */
Test(jsonl, states_are_not_counted)
{
	static const char text[] =
		"{\"timestamp\": 1, \"event\": \"STATE\", \"state\": \"attached\"}\n"
		"{\"timestamp\": 1, \"event\": \"SAMPLED\", \"count\": 3, \"rule\": "
		"\"sample\"}\n" LOST_LINE(
			"7") "{\"timestamp\": 2, \"event\": \"GC\", \"thread\": \"\\\"event\\\": "
			     "\\\"STATE\\\"\"}\n";
	const struct buf b = {.s = (char *)text, .len = sizeof(text) - 1};
	struct sink_dropped d = {0};

	sinks.at[0]->ops->count(&b, &d);
	cr_assert_eq(d.lines, 2);
	cr_assert_eq(d.events, 1);
	cr_assert_eq(d.told, 7);
}

static int add(const char *to)
{
	return sinks_add(&sinks, to, &(struct sink_options){.stream = {.uid = -1, .gid = -1}});
}

Test(jsonl, full_disk)
{
	cr_assert_eq(add("jsonl:/dev/full"), 0);
	lose(1);
	cr_assert_eq(sinks_flush(&sinks), -ENOSPC);
	cr_assert_str_eq(w.text, "cannot write to /dev/full: No space left on device");
}

Test(jsonl, no_such_directory)
{
	cr_assert_eq(add("jsonl:/nowhere/x"), -ENOENT);
}

Test(jsonl, what_is_no_sink)
{
	static const char *const wrong[] = {"", "json", "text:", "null:x", "otlp:x", ":x"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		w = (struct why){0};
		cr_assert_lt(add(wrong[i]), 0, "%s", wrong[i]);
		cr_assert_eq(w.exit_status, EXIT_USAGE);
	}
}

Test(jsonl, the_same_file_twice)
{
	char again[64];

	lose(1);
	snprintf(again, sizeof(again), "text:/tmp/../%s", path);
	cr_assert_lt(add(again), 0);
	cr_assert_eq(w.exit_status, EXIT_USAGE);
	cr_assert_eq(add("null"), 0);
	lose(2);
	expect(LOST_LINE("1") LOST_LINE("2"));
}
