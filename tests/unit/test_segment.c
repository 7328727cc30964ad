/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/segment.h"
#include "sink/sinks.h"

static char folder[] = "/tmp/ft-segment-XXXXXX";
static char log_path[64];
static struct why w;
static struct sinks sinks = {.why = &w};
static struct segments segments;

static struct function fn = {
	.json_head = (char *)"\"module\": \"m\", \"function\": \"f\"",
	.json_tail =
		(char *)"\"class\": \"m.C\", \"method\": \"f\", \"file\": \"/x.py\", \"line\": 3",
};

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(log_path, sizeof(log_path), "%s/log.jsonl", folder);
	cr_assert_eq(segments_init(&segments, log_path, NULL, -1, -1), 0);
	cr_assert_eq(sinks_add_jsonl(&sinks, log_path,
				     &(struct sink_options){.stream = {.uid = -1, .gid = -1},
							    .segments = &segments}),
		     0);
}

static void teardown(void)
{
	char command[96];

	sinks_release(&sinks);
	segments_release(&segments);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(segment, .init = setup, .fini = teardown);

static struct span make(void)
{
	static uint64_t id = 1;

	return (struct span){
		.id = ++id,
		.parent = 1,
		.pid = 10,
		.tid = 11,
		.thread = "T",
		.function = &fn,
		.start_ns = 1700000000123456000,
		.args_limit = 12,
		.result_limit = 12,
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

	cr_assert_eq(sinks_flush(&sinks), 0);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "r");
	cr_assert(f, "%s", path);
	n = fread(got, 1, sizeof(got) - 1, f);
	got[n] = 0;
	fclose(f);
	cr_assert_str_eq(got, want);
}

static void begin(const struct span *s)
{
	cr_assert_eq(sinks_begin(&sinks, s), 0, "%s", w.text);
}

Test(segment, enter)
{
	struct span s = make();

	s.args = cut("{\"a\": \"x...\"}", "{\"a\": \"x, {[}\\n\"}");
	begin(&s);
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

static unsigned mode(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 07777;
}

Test(segment, exit_by_exception)
{
	struct exception x = {.type = {.s = "E", .len = 1}, .message = cut("...", "long")};
	struct span s = make();

	s.end_ns = s.start_ns + 1234567;
	s.result = cut("{\"exception\": \"...\"}", "{\"exception\": \"E: long\"}");
	s.exception = &x;
	cr_assert_eq(sinks_end(&sinks, &s), 0, "%s", w.text);
	cr_assert_eq(mode("flowtrace-jsonsl/flowtrace-1700000000124690-EXCEPTION-11-1.json"), 0600);
	expect("flowtrace-jsonsl/flowtrace-1700000000124690-EXIT-11-2.json",
	       "{\n"
	       "  \"timestamp\": 1700000000124690,\n"
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

/* Equal moments, and a name that another process has taken. */
Test(segment, names_are_unique)
{
	struct span s = make();
	char path[128];

	s.args = cut("{}", "{\"a\": 1}");
	begin(&s);
	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl/flowtrace-%s-ENTER-11-2.json", folder,
		 "1700000000123456");
	fclose(fopen(path, "w"));
	s.id++;
	begin(&s);
	cr_assert_eq(mode("flowtrace-jsonsl"), 0700);
	cr_assert_eq(mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-1.json"), 0600);
	cr_assert_eq(mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-3.json"), 0600);
	expect("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-2.json", "");
}

/* Emptied by the user while we write. */
Test(segment, folder_that_is_gone)
{
	struct span s = make();
	char command[96];

	s.args = cut("{}", "{\"a\": 1}");
	begin(&s);
	snprintf(command, sizeof(command), "rm -r %s/flowtrace-jsonsl", folder);
	cr_assert_eq(system(command), 0);
	s.id++;
	begin(&s);
	mode("flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-2.json");
}

/* Two sinks of one line name one segment. */
Test(segment, of_a_second_sink)
{
	struct span s = make();
	const char *name;

	s.args = cut("{}", "{\"a\": 1}");
	begin(&s);
	cr_assert_eq(segment_write(&segments, LINE_ENTER, &s, &name, &w), 0);
	cr_assert_str_eq(name, "flowtrace-jsonsl/flowtrace-1700000000123456-ENTER-11-1.json");
}

/* Nothing is made for lines that say all. */
Test(segment, none_without_need)
{
	struct span s = make();
	char path[64];

	s.args = (struct text){.s = "{}", .len = 2, .cut = true};
	begin(&s);
	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl", folder);
	cr_assert_neq(access(path, F_OK), 0);
}

Test(segment, that_cannot_be_written)
{
	struct span s = make();
	char path[64], want[256];

	snprintf(path, sizeof(path), "%s/flowtrace-jsonsl", folder);
	fclose(fopen(path, "w"));
	s.args = cut("{}", "{\"a\": 1}");
	cr_assert_eq(sinks_begin(&sinks, &s), -ENOTDIR);
	snprintf(want, sizeof(want),
		 "cannot open %s/flowtrace-1700000000123456-ENTER-11-1.json for writing: "
		 "Not a directory",
		 path);
	cr_assert_str_eq(w.text, want);
}
