/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "read/reader.h"

#define EVENT(n) "{\"timestamp\": " #n ", \"event\": \"LOST\", \"count\": " #n "}\n"

static char path[] = "/tmp/flowtrace-test-reader-XXXXXX";
static bool made; /* the file: each test runs in a process of its own */
static struct why w;

static void write_file(const void *data, size_t size)
{
	int fd = made ? open(path, O_WRONLY | O_TRUNC) : mkstemp(path);

	made = true;
	cr_assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void write_text(const char *s)
{
	write_file(s, strlen(s));
}

static void drop(void)
{
	unlink(path);
}

TestSuite(trace_reader, .fini = drop, .timeout = 60);

/* Reads all; the sum of the counts. Negative: the error. */
static long sum(const char *const *paths, size_t count, const struct trace_input_options *o,
		struct trace_report *ret_report)
{
	struct trace_reader *r = NULL;
	struct trace_event e;
	long n = 0;
	int got;

	w = (struct why){0};
	got = trace_reader_open(paths, count, o, &r, &w);
	while (!got && (got = trace_reader_next(r, &e, &w)) == 1) {
		n += (long)e.count;
		got = 0;
	}
	if (r && ret_report)
		*ret_report = *trace_reader_report(r);
	if (r && !got) {
		double all = trace_reader_progress(r);

		cr_assert(all < 0 || all == 1.0, "%f", all);
	}
	trace_reader_free(r);
	return got ? got : n;
}

static long sum_of(struct trace_report *ret_report)
{
	struct trace_input_options o = {0};

	return sum(&(const char *){path}, 1, &o, ret_report);
}

Test(trace_reader, lines)
{
	struct trace_report r;

	write_text("\xef\xbb\xbf" EVENT(1) "\n" EVENT(2) " \r\n" EVENT(4));
	cr_assert_eq(sum_of(&r), 7, "%s", w.text);
	cr_assert(r.lines == 5 && r.events == 3 && !r.bad && !r.torn_file);
}

Test(trace_reader, last_line_without_newline)
{
	struct trace_report r;

	write_text(EVENT(1) "{\"timestamp\": 2, \"event\": \"LOST\", \"count\": 2}");
	cr_assert_eq(sum_of(&r), 3);
	cr_assert(!r.torn_file && !r.bad);
	write_text(EVENT(1) "{\"timestamp\": 2, \"event\": \"LO");
	cr_assert_eq(sum_of(&r), 1);
	cr_assert(r.torn_file && r.torn_line == 2 && !r.bad);
}

Test(trace_reader, bad_lines_are_passed_over)
{
	struct trace_report r;

	write_text(EVENT(1) "x\n{\"a\": 1}\n" EVENT(
		2) "{\"timestamp\": \"y\", \"event\": \"LOST\"}\n");
	cr_assert_eq(sum_of(&r), 3);
	cr_assert(r.bad == 3 && r.bad_line == 2 && !strcmp(r.bad_file, path));
	cr_assert(strstr(r.bad_why, "not JSON"), "%s", r.bad_why);
}

static void refused(const void *data, size_t size, const char *says)
{
	write_file(data, size);
	cr_assert_lt(sum_of(NULL), 0);
	cr_assert(strstr(w.text, says), "%s", w.text);
	cr_assert_null(strchr(w.text, '\n'));
}

Test(trace_reader, what_is_no_trace)
{
	refused("", 0, "is empty");
	refused("\n\n", 2, "is empty");
	refused("hello\nworld\n", 12, "is not a trace: line 1: not JSON");
	refused("{\"a\": 1}\n[]\n", 12, "is JSON, but not a trace");
	refused("{\"event\": \"login\"}\n", 19, "none of FlowTrace's");
	refused("\x7f"
		"ELF\2\1\1\0\0\0\n\0",
		12, "looks binary");
	refused("{\"timestamp\": 17", 16, "only a part of a line");
	refused("\x1f\x8b junk", 7, "broken gzip data");
	refused("\x28\xb5\x2f\xfd"
		"junkjunk",
		12, "broken zstd data");
	w = (struct why){0};
	cr_assert_eq(
		sum(&(const char *){"/nonexistent"}, 1, &(struct trace_input_options){0}, NULL),
		-ENOENT);
	cr_assert_eq(sum(&(const char *){"/tmp"}, 1, &(struct trace_input_options){0}, NULL),
		     -EISDIR);
}

/* Many events, more than any buffer: packed text and its size. */
static char *many(size_t *ret_len)
{
	struct buf b = {0};

	for (int i = 0; i < 30000; i++)
		BUF_LITERAL(&b, EVENT(1) EVENT(2));
	*ret_len = b.len;
	return b.s;
}

Test(trace_reader, gzip)
{
	size_t len, size;
	char *text = many(&len);
	unsigned char *packed = malloc(2 * len + 1000);
	struct trace_report r;

	size = 0;
	for (int member = 0; member < 2; member++) { /* as gzip -c >> leaves it */
		z_stream z = {.next_in = (Bytef *)text,
			      .avail_in = (uInt)len,
			      .next_out = packed + size,
			      .avail_out = (uInt)(2 * len + 1000 - size)};

		deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
		cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
		size += z.total_out;
		deflateEnd(&z);
	}
	write_file(packed, size);
	cr_assert_eq(sum_of(&r), 180000, "%s", w.text);
	cr_assert_null(r.torn_file);
	memset(packed + size, 0, 512); /* padding, as on tapes */
	write_file(packed, size + 512);
	cr_assert_eq(sum_of(NULL), 180000, "%s", w.text);
	write_file(packed, size - 300);
	cr_assert(sum_of(&r) >= 90000 && r.torn_file, "%s", w.text);
	packed[size - 200] ^= 0xff;
	write_file(packed, size);
	cr_assert_eq(sum_of(NULL), -EBADMSG);
	free(packed);
	free(text);
}

Test(trace_reader, zstd)
{
	size_t len, size, bound;
	char *text = many(&len);
	struct trace_report r;
	char *packed;

	bound = ZSTD_compressBound(len);
	packed = malloc(2 * bound);
	size = ZSTD_compress(packed, bound, text, len, 3);
	size += ZSTD_compress(packed + size, bound, text, len, 19);
	write_file(packed, size);
	cr_assert_eq(sum_of(&r), 180000, "%s", w.text);
	cr_assert_null(r.torn_file);
	write_file(packed, size - 10);
	cr_assert(sum_of(&r) >= 90000 && r.torn_file, "%s", w.text);
	free(packed);
	free(text);
}

/* Longer than the first buffer, and longer than any line may be. */
Test(trace_reader, long_lines)
{
	static const char head[] =
		"{\"timestamp\": 1, \"event\": \"LOST\", \"count\": 5, \"x\": \"";
	size_t all = (size_t)TRACE_MAX_LINE + 100;
	char *text = malloc(all + 200);
	struct trace_report r;
	size_t len = 3 << 20;

	memset(text, 'x', all);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len, "\"}\n" EVENT(1), sizeof("\"}\n" EVENT(1)) - 1);
	write_file(text, len + sizeof("\"}\n" EVENT(1)) - 1);
	cr_assert_eq(sum_of(&r), 6);
	memset(text, 'x', all);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + all, "\"}\n" EVENT(1), sizeof("\"}\n" EVENT(1)) - 1);
	write_file(text, all + sizeof("\"}\n" EVENT(1)) - 1);
	cr_assert_eq(sum_of(&r), 1);
	cr_assert(r.bad == 1 && strstr(r.bad_why, "16 MiB"), "%s", r.bad_why);
	free(text);
}

Test(trace_reader, several_files)
{
	struct trace_input_options o = {0};
	struct trace_report r;

	write_text(EVENT(1) EVENT(2));
	cr_assert_eq(sum((const char *[]){path, path, path}, 3, &o, &r), 9);
	cr_assert_eq(r.lines, 6);
	cr_assert_eq(sum((const char *[]){path, "/nonexistent"}, 2, &o, &r), -ENOENT);
}

static volatile sig_atomic_t stop;

static void *grow(void *arg)
{
	int fd = open(path, O_WRONLY | O_APPEND);
	const char *parts[] = {EVENT(2), "{\"timestamp\": 1, \"event\": \"LO",
			       "ST\", \"count\": 4}\n"};

	for (int i = 0; i < 3; i++) {
		usleep(150000);
		cr_assert(write(fd, parts[i], strlen(parts[i])) > 0);
	}
	usleep(300000);
	stop = 1;
	close(fd);
	return NULL;
}

Test(trace_reader, follows_a_file_that_grows)
{
	struct trace_input_options o = {.follow = true, .stop = &stop};
	struct trace_report r;
	pthread_t thread;

	write_text("");
	pthread_create(&thread, NULL, grow, NULL);
	cr_assert_eq(sum(&(const char *){path}, 1, &o, &r), 6, "%s", w.text);
	cr_assert(!r.bad && !r.torn_file);
	pthread_join(thread, NULL);
}
