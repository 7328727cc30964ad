/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "build.h"
#include "recording/recording.h"

static char path[] = "/tmp/ft-recording-XXXXXX";
static struct why w;
static struct build b;

struct seen {
	unsigned records;
	unsigned long long sum; /* of time stamps */
	int stop_at;
};

static int count(void *arg, const struct ft_rec *rec, size_t size)
{
	struct seen *s = arg;

	cr_assert_eq(size, rec->size);
	s->records++;
	s->sum += rec->ts_ns;
	return s->stop_at && s->records == (unsigned)s->stop_at ? -ECANCELED : 0;
}

static void setup(void)
{
	close(mkstemp(path));
}

static void teardown(void)
{
	unlink(path);
	buf_release(&b.bytes);
}

TestSuite(recording, .init = setup, .fini = teardown);

static void write_records(unsigned n)
{
	struct recorder *r;
	struct ft_rec_session session;

	memcpy(&session, build_session(&b), sizeof(session));
	cr_assert_eq(recorder_new(path, &session, -1, -1, &r, &w), 0);
	for (unsigned i = 0; i < n; i++) {
		struct ft_rec *rec;

		buf_clear(&b.bytes);
		rec = build_lost(&b, 1, 1, i, 1, 0);
		cr_assert_eq(recorder_write(r, rec, rec->size, &w), 0);
	}
	cr_assert_eq(recorder_close(r, &w), 0);
}

static int read_records(struct seen *s)
{
	*s = (struct seen){.stop_at = s->stop_at};
	w = (struct why){0};
	return recording_read(path, count, s, &w);
}

Test(recording, what_was_written_is_read)
{
	struct seen s = {0};
	unsigned n = 500000; /* larger than the buffers on both sides */

	write_records(n);
	cr_assert_eq(read_records(&s), 0);
	cr_assert_eq(s.records, n + 1);
	cr_assert_eq(s.sum, 1000000000ull + (unsigned long long)n * (n - 1) / 2);
}

Test(recording, stops_when_told)
{
	struct seen s = {.stop_at = 3};

	write_records(10);
	cr_assert_eq(read_records(&s), -ECANCELED);
	cr_assert_eq(s.records, 3);
}

Test(recording, truncated)
{
	/* 8 bytes of magic, 56 of session, 48 of each record */
	long whole = 8 + 56 + 3 * 48;
	struct seen s = {0};
	char offset[32];

	for (long size = whole - 1; size >= 0; size--) {
		bool at_border = size >= 64 && (size - 64) % 48 == 0;

		write_records(3);
		cr_assert_eq(truncate(path, size), 0);
		cr_assert_eq(read_records(&s), at_border ? 0 : -EBADMSG, "%ld", size);
		if (size >= 64)
			cr_assert_eq(s.records, (size - 64) / 48 + 1);
		if (size < 64 || at_border)
			continue;
		snprintf(offset, sizeof(offset), "byte %ld ", 64 + (size - 64) / 48 * 48);
		cr_assert(strstr(w.text, offset), "%s", w.text);
	}
}

static void patch(long at, unsigned value)
{
	FILE *f = fopen(path, "r+");

	fseek(f, at, SEEK_SET);
	fwrite(&value, sizeof(value), 1, f);
	fclose(f);
}

Test(recording, corrupt)
{
	static const unsigned sizes[] = {0, 23, 25, 52, 0x7ffffff8};
	struct seen s = {0};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		write_records(3);
		patch(64 + 48, sizes[i]);
		cr_assert_eq(read_records(&s), -EBADMSG);
		cr_assert_eq(s.records, 2);
		cr_assert(strstr(w.text, "byte 112"), "%s", w.text);
	}
}

Test(recording, not_a_recording)
{
	struct seen s = {0};

	cr_assert_eq(read_records(&s), -EBADMSG); /* empty */
	write_records(1);
	patch(0, 0x7f454c46);
	cr_assert_eq(read_records(&s), -EBADMSG);
	write_records(1);
	patch(8 + 24, FT_ABI_VERSION + 1);
	cr_assert_eq(read_records(&s), -EBADMSG);
	cr_assert(strstr(w.text, "version"), "%s", w.text);
	write_records(1);
	patch(8 + 4, FT_REC_LOST); /* no session */
	cr_assert_eq(read_records(&s), -EBADMSG);
	cr_assert_eq(s.records, 0);
	cr_assert_eq(recording_read("/nowhere/x", count, &s, &w), -ENOENT);
}
