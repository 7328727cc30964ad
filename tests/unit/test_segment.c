/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/sink.h"

static char folder[] = "/tmp/ft-segment-XXXXXX";
static char log_path[64];
static struct sink *sink;
static struct why w;

static struct function fn = {
	.json_head = (char *)"\"module\": \"m\", \"function\": \"f\"",
	.json_tail =
		(char *)"\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3",
};

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(log_path, sizeof(log_path), "%s/log.jsonl", folder);
	cr_assert_eq(sink_jsonl_new(log_path, false, -1, -1, &sink, &w), 0);
}

static void teardown(void)
{
	char command[96];

	sink->ops->free(sink);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(segment, .init = setup, .fini = teardown);

static struct line make(enum line_type type)
{
	return (struct line){
		.type = type,
		.timestamp_us = 1700000000123456,
		.pid = 10,
		.tid = 11,
		.thread = "T",
		.function = &fn,
		.threshold = 12,
		.duration_ns = 1234567,
		.span = 2,
		.parent = 1,
	};
}

static struct text cut(const char *s, const char *full)
{
	return (struct text){.s = s,
			     .len = strlen(s),
			     .cut = true,
			     .original_len = strlen(full),
			     .full = full,
			     .full_len = strlen(full)};
}

static void expect(const char *name, const char *want)
{
	char path[128], got[4096];
	size_t n;
	FILE *f;

	cr_assert_eq(sink->ops->flush(sink, &w), 0);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = 0;
	fclose(f);
	cr_assert_str_eq(got, want);
}

static void put(const struct line *l)
{
	cr_assert_eq(sink->ops->line(sink, l, &w), 0, "%s", w.text);
}

Test(segment, enter)
{
	struct line l = make(LINE_ENTER);

	l.value = cut("{\"a\": \"x...\"}", "{\"a\": \"x, {[}\\n\"}");
	put(&l);
	expect("log.jsonl",
	       "{\"timestamp\": 1700000000123456, \"event\": \"ENTER\", \"thread\": \"T\", "
	       "\"module\": \"m\", \"function\": \"f\", \"args\": \"{\\\"a\\\": \\\"x...\\\"}\", "
	       "\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3, "
	       "\"pid\": 10, \"tid\": 11, \"span\": 2, \"parent\": 1, "
	       "\"truncatedFields\": {\"args\": {\"threshold\": 12, \"originalLength\": 17}}, "
	       "\"fullLogFile\": "
	       "\"flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-1.json\"}\n");
	expect("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-1.json",
	       "{\n"
	       "  \"timestamp\": 1700000000123456,\n"
	       "  \"event\": \"ENTER\",\n"
	       "  \"thread\": \"T\",\n"
	       "  \"module\": \"m\",\n"
	       "  \"function\": \"f\",\n"
	       "  \"args\": \"{\\\"a\\\": \\\"x, {[}\\\\n\\\"}\",\n"
	       "  \"class\": \"m.C\",\n"
	       "  \"method\": \"f\",\n"
	       "  \"file\": \"/x.py\",\n"
	       "  \"line\": 3,\n"
	       "  \"pid\": 10,\n"
	       "  \"tid\": 11,\n"
	       "  \"span\": 2,\n"
	       "  \"parent\": 1\n"
	       "}\n");
}

Test(segment, exit_by_exception)
{
	struct line l = make(LINE_EXIT);

	l.value = cut("{\"exception\": \"...\"}", "{\"exception\": \"E: long\"}");
	l.has_exception = true;
	l.exc_type = (struct text){.s = "E", .len = 1};
	l.exc_message = cut("...", "long");
	put(&l);
	expect("flowtrace-jsonsl/flowtrace-1700000000123456-EXIT-11-1.json",
	       "{\n"
	       "  \"timestamp\": 1700000000123456,\n"
	       "  \"event\": \"EXIT\",\n"
	       "  \"thread\": \"T\",\n"
	       "  \"module\": \"m\",\n"
	       "  \"function\": \"f\",\n"
	       "  \"result\": \"{\\\"exception\\\": \\\"E: long\\\"}\",\n"
	       "  \"durationMicros\": 1234,\n"
	       "  \"durationMillis\": 1,\n"
	       "  \"class\": \"m.C\",\n"
	       "  \"method\": \"f\",\n"
	       "  \"file\": \"/x.py\",\n"
	       "  \"line\": 3,\n"
	       "  \"pid\": 10,\n"
	       "  \"tid\": 11,\n"
	       "  \"span\": 2,\n"
	       "  \"parent\": 1,\n"
	       "  \"exception\": {\n"
	       "    \"type\": \"E\",\n"
	       "    \"message\": \"long\"\n"
	       "  }\n"
	       "}\n");
}

static unsigned mode(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 07777;
}

/* Equal moments, and a name that another process has taken. */
Test(segment, names_are_unique)
{
	struct line l = make(LINE_ENTER);
	char path[128];

	l.value = cut("{}", "{\"a\": 1}");
	put(&l);
	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl/flowtrace-%s-ENTER-11-2.json", folder,
		 "1700000000123456");
	fclose(fopen(path, "w"));
	put(&l);
	cr_assert_eq(mode("flowtrace-jsonsl"), 0700);
	cr_assert_eq(mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-1.json"), 0600);
	cr_assert_eq(mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-3.json"), 0600);
	expect("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-2.json", "");
}

/* Emptied by the user while we write. */
Test(segment, folder_that_is_gone)
{
	struct line l = make(LINE_ENTER);
	char command[96];

	l.value = cut("{}", "{\"a\": 1}");
	put(&l);
	snprintf(command, sizeof(command), "rm -r %s/flowtrace-jsonsl", folder);
	cr_assert_eq(system(command), 0);
	put(&l);
	mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-2.json");
}

/* Nothing is made for lines that say all. */
Test(segment, none_without_need)
{
	struct line l = make(LINE_ENTER);
	char path[64];

	l.value = (struct text){.s = "{}", .len = 2, .cut = true};
	put(&l);
	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl", folder);
	cr_assert_neq(access(path, F_OK), 0);
}

Test(segment, that_cannot_be_written)
{
	struct line l = make(LINE_ENTER);
	char path[64], want[256];

	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl", folder);
	fclose(fopen(path, "w"));
	l.value = cut("{}", "{\"a\": 1}");
	cr_assert_eq(sink->ops->line(sink, &l, &w), -ENOTDIR);
	snprintf(want, sizeof(want),
		 "cannot open %s/flowtrace-1700000000123456-ENTER-11-1.json for writing: "
		 "Not a directory",
		 path);
	cr_assert_str_eq(w.text, want);
}
