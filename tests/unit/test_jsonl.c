/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/sink.h"

static char path[] = "/tmp/ft-jsonl-XXXXXX";
static struct sink *sink;
static struct why w;

static struct function fn = {
	.json_head = (char *)"\"module\": \"m\", \"function\": \"f\"",
	.json_tail =
		(char *)"\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3",
};

#define TEXT(literal)                                                                              \
	{                                                                                          \
		.s = literal, .len = sizeof(literal) - 1                                           \
	}

static struct line make(enum line_type type)
{
	return (struct line){
		.type = type,
		.timestamp_us = 1700000000123456,
		.pid = 10,
		.tid = 11,
		.thread = "Main\"Thread",
		.function = &fn,
		.threshold = 1000,
		.duration_ns = 1234567,
		.span = 9007199254740991,
		.parent = 5,
	};
}

static void setup(void)
{
	close(mkstemp(path));
	unlink(path);
	cr_assert_eq(sink_jsonl_new(path, false, -1, -1, &sink, &w), 0);
}

static void teardown(void)
{
	sink->ops->free(sink);
	unlink(path);
}

TestSuite(jsonl, .init = setup, .fini = teardown);

static void expect(const char *want)
{
	char got[4096];
	FILE *f;
	size_t n;

	cr_assert_eq(sink->ops->flush(sink, &w), 0);
	f = fopen(path, "r");
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = 0;
	fclose(f);
	cr_assert_str_eq(got, want);
}

static void put(const struct line *l)
{
	cr_assert_eq(sink->ops->line(sink, l, &w), 0);
}

Test(jsonl, enter)
{
	struct line l = make(LINE_ENTER);

	l.value = (struct text)TEXT("{\"a\": \"x\\n\"}");
	put(&l);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"ENTER\", \"thread\": "
	       "\"Main\\\"Thread\", "
	       "\"module\": \"m\", \"function\": \"f\", \"args\": \"{\\\"a\\\": \\\"x\\\\n\\\"}\", "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5}\n");
}

Test(jsonl, exit_that_was_cut)
{
	struct line l = make(LINE_EXIT);

	l.thread = "T";
	l.value = (struct text)TEXT("[1]");
	l.value.cut = true;
	l.value.original_len = 2000;
	l.lost = true;
	put(&l);
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
	struct line l = make(LINE_EXCEPTION);

	l.thread = "T";
	l.has_exception = true;
	l.exc_type = (struct text)TEXT("E");
	l.exc_message = (struct text)TEXT("\xed\xb2\x80");
	put(&l);
	l.type = LINE_EXIT;
	l.value = (struct text)TEXT("{}");
	l.value.cut = l.exc_message.cut = true;
	put(&l);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"EXCEPTION\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", "
	       "\"exception\": {\"type\": \"E\", \"message\": \"\\udc80\"}, "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5}\n"
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
	struct line l = make(LINE_HTTP_REQUEST);

	l.http = &http;
	put(&l);
	l.type = LINE_HTTP_RESPONSE;
	http.status = 404;
	put(&l);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"HTTP_REQUEST\", \"request_id\": "
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
	struct line l = make(LINE_EXIT);
	struct text id = TEXT("a-1");

	l.thread = "T";
	l.value = (struct text)TEXT("1");
	l.value.cut = true;
	l.request_id = &id;
	put(&l);
	expect("{\"timestamp\": 1700000000123456, \"event\": \"EXIT\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", \"result\": \"1\", "
	       "\"durationMicros\": 1234, \"durationMillis\": 1, "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, \"parent\": 5, "
	       "\"request_id\": \"a-1\", \"truncatedFields\": {\"result\": {\"threshold\": "
	       "1000}}}\n");
}

static struct line lost_line(unsigned count)
{
	return (struct line){.type = LINE_LOST,
			     .timestamp_us = 1,
			     .count = count,
			     .pid = 2,
			     .tid = 3,
			     .reason = "ring_full"};
}

#define LOST_LINE(count)                                                                           \
	"{\"timestamp\": 1, \"event\": \"LOST\", \"count\": " count                                \
	", \"reason\": \"ring_full\", \"pid\": 2, \"tid\": 3}\n"

Test(jsonl, lost)
{
	struct line l = lost_line(7);

	put(&l);
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
	struct line l = lost_line(1);

	snprintf(old, sizeof(old), "%s.1", path);
	put(&l);
	rename(path, old);
	cr_assert_eq(sink->ops->reopen(sink, &w), 0);
	l = lost_line(2);
	put(&l);
	expect(LOST_LINE("2"));
	unlink(old);
}

/* What an earlier run left unfinished stays a line of its own. */
Test(jsonl, appends_after_a_torn_line)
{
	struct line l = lost_line(1);
	FILE *f = fopen(path, "w");

	fputs("{\"torn", f);
	fclose(f);
	sink->ops->free(sink);
	cr_assert_eq(sink_jsonl_new(path, false, -1, -1, &sink, &w), 0);
	put(&l);
	expect("{\"torn\n" LOST_LINE("1"));
}

/* One that another process is within is ended by that process. */
Test(jsonl, joins_within_a_line)
{
	struct line l = lost_line(1);
	FILE *f = fopen(path, "w");

	fputs("{\"half", f);
	fclose(f);
	sink->ops->free(sink);
	cr_assert_eq(sink_jsonl_join(path, false, -1, -1, &sink, &w), 0);
	put(&l);
	expect("{\"half" LOST_LINE("1"));
}

Test(jsonl, full_disk)
{
	struct line l = lost_line(1);
	struct sink *full;

	cr_assert_eq(sink_jsonl_new("/dev/full", false, -1, -1, &full, &w), 0);
	cr_assert_eq(full->ops->line(full, &l, &w), 0);
	cr_assert_eq(full->ops->flush(full, &w), -ENOSPC);
	cr_assert_str_eq(w.text, "cannot write to /dev/full: No space left on device");
	full->ops->free(full);
}

Test(jsonl, no_such_directory)
{
	struct sink *none;

	cr_assert_eq(sink_jsonl_new("/nowhere/x", false, -1, -1, &none, &w), -ENOENT);
}
