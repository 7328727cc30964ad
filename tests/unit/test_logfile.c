/* SPDX-License-Identifier: MIT */
/* Files that are packed and rotated: names, sizes, ages, and what a crash leaves. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/logfile.h"
#include "pack/packings.h"

#define LINE 100

static char folder[] = "/tmp/flowtrace-logfile-XXXXXX";
static struct logfile *f;
static struct why w;

static void setup(void)
{
	w = (struct why){};
	cr_assert(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static void teardown(void)
{
	char command[128];

	logfile_free(f);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(logfile, .init = setup, .fini = teardown, .timeout = 30);

static int open_file(const char *path, struct rotate rotate, unsigned keep)
{
	struct logfile_options o = {
		.path = path,
		.packing = packing_of(packings, path),
		.rotate = rotate,
		.keep = keep,
		.uid = -1,
		.gid = -1,
	};
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0600);

	logfile_free(f);
	f = NULL;
	cr_assert_geq(fd, 0);
	return logfile_new(&o, fd, &f, &w);
}

static void make_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	fputs(text, file);
	fclose(file);
}

static size_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (size_t)st.st_size;
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static int put(unsigned from, unsigned to)
{
	struct buf b = {};
	char line[LINE + 1];
	size_t at = 0;
	ssize_t n = 0;

	for (unsigned i = from; i < to; i++) {
		snprintf(line, sizeof(line), "%-98u|\n", i);
		buf_str(&b, line);
	}
	while (n >= 0 && at < b.len) {
		n = logfile_put(f, b.s + at, b.len - at, &w);
		at += n > 0 ? n : 0;
	}
	buf_release(&b);
	return n < 0 ? n : 0;
}

/* The whole lines of a file, which follow each other; the number after its last. */
static unsigned check_lines(const char *path, unsigned first, size_t most_bytes)
{
	static char text[1 << 20];
	FILE *file = fopen(path, "r");
	size_t len;

	cr_assert(file, "%s", path);
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	cr_assert_leq(len, most_bytes);
	cr_assert_eq(len % LINE, 0, "a line is torn");
	for (size_t at = 0; at < len; at += LINE, first++)
		cr_assert_eq(strtoul(text + at, NULL, 10), first, "%s", path);
	return first;
}

Test(logfile, is_rotated_by_size)
{
	unsigned next = 0;
	char name[16];

	cr_assert_eq(open_file("x", (struct rotate){.bytes = 1050}, 20), 0);
	cr_assert_eq(put(0, 95), 0);
	cr_assert_eq(put(95, 98), 0);
	for (int i = 9; i > 0; i--) {
		snprintf(name, sizeof(name), "x.%d", i);
		next = check_lines(name, next, 1050);
	}
	cr_assert_eq(check_lines("x", next, 1050), 98);
	cr_assert(!exists("x.10"));
}

Test(logfile, a_file_has_at_least_one_line)
{
	cr_assert_eq(open_file("x", (struct rotate){.bytes = 10}, 3), 0);
	cr_assert_eq(put(0, 5), 0);
	cr_assert_eq(check_lines("x.3", 1, LINE), 2);
	cr_assert_eq(check_lines("x", 4, LINE), 5);
	cr_assert(!exists("x.4"));
}

Test(logfile, older_ones_that_are_too_many_go)
{
	make_file("x.3", "3");
	make_file("x.4", "4");
	make_file("x.2", "2");
	make_file("x.1", "1");
	cr_assert_eq(open_file("x", (struct rotate){.bytes = LINE}, 2), 0);
	cr_assert_eq(put(0, 2), 0);
	cr_assert_eq(check_lines("x.1", 0, LINE), 1);
	cr_assert_eq(size_of("x.2"), 1);
	cr_assert(!exists("x.3") && !exists("x.4"));
}

/* A crash between two renames leaves a gap: what is older stays. */
Test(logfile, a_gap_is_filled)
{
	make_file("x.1", "1");
	make_file("x.3", "333");
	cr_assert_eq(open_file("x", (struct rotate){.bytes = LINE}, 3), 0);
	cr_assert_eq(put(0, 2), 0);
	cr_assert_eq(check_lines("x.1", 0, LINE), 1);
	cr_assert_eq(size_of("x.2"), 1);
	cr_assert_eq(size_of("x.3"), 3);
}

Test(logfile, what_is_not_a_file_is_not_removed)
{
	cr_assert_eq(mkdir("x.1", 0700), 0);
	cr_assert_eq(open_file("x", (struct rotate){.bytes = LINE}, 1), 0);
	cr_assert_eq(put(0, 2), -EEXIST);
	cr_assert(strstr(w.text, "x.1 is not a file"), "%s", w.text);
	cr_assert_eq(check_lines("x", 0, LINE), 1);
}

/* By logrotate: it is not moved once more. */
Test(logfile, moved_by_another_program)
{
	cr_assert_eq(open_file("x", (struct rotate){.bytes = LINE}, 3), 0);
	cr_assert_eq(put(0, 1), 0);
	cr_assert_eq(rename("x", "elsewhere"), 0);
	cr_assert_eq(put(1, 2), 0);
	cr_assert_eq(check_lines("elsewhere", 0, LINE), 1);
	cr_assert_eq(check_lines("x", 1, LINE), 2);
	cr_assert(!exists("x.1"));
}

Test(logfile, is_rotated_by_age)
{
	cr_assert_eq(open_file("x", (struct rotate){.seconds = 1}, 3), 0);
	cr_assert(!logfile_waits(f), "an empty file is not rotated");
	usleep(1100 * 1000);
	cr_assert_eq(put(0, 1), 0);
	cr_assert(!exists("x.1"), "its age is that of its first line");
	usleep(1100 * 1000);
	cr_assert(logfile_waits(f));
	cr_assert_eq(logfile_tick(f, &w), 0);
	cr_assert_eq(check_lines("x.1", 0, LINE), 1);
	cr_assert_eq(size_of("x"), 0);
}

Test(logfile, only_a_file_of_that_name)
{
	make_file("real", "");
	cr_assert_eq(symlink("real", "link"), 0);
	cr_assert_eq(open_file("link", (struct rotate){.bytes = LINE}, 1), -EINVAL);
	w = (struct why){};
	cr_assert_eq(open_file("/dev/null", (struct rotate){.bytes = LINE}, 1), -EINVAL);
	cr_assert(strstr(w.text, "regular file"), "%s", w.text);
}

Test(logfile, a_torn_line_is_ended)
{
	make_file("x", "torn");
	cr_assert_eq(open_file("x", (struct rotate){.bytes = 10000}, 1), 0);
	cr_assert_eq(size_of("x"), 5);
}

/* ---- packed --------------------------------------------------------------------------- */

static void pack(const struct packing *p, const char *text, size_t len, struct buf *ret)
{
	void *state;

	cr_assert_eq(p->start(&state), 0);
	cr_assert_eq(p->pack(state, text, len, ret), 0);
	p->stop(state);
}

/* However a file is cut, the last frame that is whole is found. */
Test(logfile, where_the_last_frame_ends)
{
	static char text[300000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * i % 251 + i / 1000);
	for (const struct packing *const *p = packings; *p; p++) {
		struct buf b = {};
		size_t ends[3] = {}, frames = 0;
		int fd = open("x", O_RDWR | O_CREAT | O_TRUNC, 0600);
		off_t end;

		pack(*p, "a\n", 2, &b);
		ends[1] = b.len;
		pack(*p, text, sizeof(text), &b); /* of several blocks */
		ends[2] = b.len;
		cr_assert_eq(write(fd, b.s, b.len), (ssize_t)b.len);
		for (size_t len = b.len;; len -= len > 600 ? 509 : 1) {
			cr_assert_eq(ftruncate(fd, len), 0);
			frames = len == ends[2] ? 2 : len >= ends[1] ? 1 : 0;
			cr_assert_eq((*p)->whole(fd, len, &end), 0, "%s", (*p)->suffix);
			cr_assert_eq(end, ends[frames], "%s: %zu", (*p)->suffix, len);
			if (!len)
				break;
		}
		buf_release(&b);
		close(fd);
	}
}

Test(logfile, something_else_is_not_continued)
{
	static const char *const others[] = {"x.zst", "x.gz"};

	for (int i = 0; i < 2; i++) {
		make_file(others[i], "{\"event\": \"ENTER\"}\n");
		w = (struct why){};
		cr_assert_eq(open_file(others[i], (struct rotate){}, 1), -EBADMSG);
		cr_assert(strstr(w.text, "packed"), "%s", w.text);
		cr_assert_eq(size_of(others[i]), 19);
	}
}

static void check_packed(const char *command, unsigned lines)
{
	char line[LINE + 2];
	FILE *file = popen(command, "r");
	unsigned n = 0;

	while (fgets(line, sizeof(line), file))
		cr_assert_eq(strtoul(line, NULL, 10), n++);
	cr_assert_eq(pclose(file), 0);
	cr_assert_eq(n, lines);
}

Test(logfile, frames_are_whole_at_any_time)
{
	cr_assert_eq(open_file("x.gz", (struct rotate){}, 1), 0);
	cr_assert_eq(put(0, 10), 0);
	cr_assert_eq(size_of("x.gz"), 0, "it is kept for a frame");
	cr_assert(logfile_waits(f));
	usleep(600 * 1000);
	cr_assert_eq(logfile_tick(f, &w), 0);
	check_packed("gzip -dc x.gz", 10);
	cr_assert_eq(put(10, 11), 0);
	cr_assert_eq(open_file("x.gz", (struct rotate){}, 1), 0); /* another run */
	cr_assert_eq(truncate("x.gz", size_of("x.gz") - 3), 0);	  /* which is killed */
	cr_assert_eq(open_file("x.gz", (struct rotate){}, 1), 0);
	cr_assert_eq(put(10, 30000), 0);
	cr_assert_eq(logfile_flush(f, &w), 0);
	check_packed("gzip -dc x.gz", 30000);
}

Test(logfile, the_number_is_before_the_ending)
{
	cr_assert_eq(open_file("x.zst", (struct rotate){.bytes = 4096}, 1000), 0);
	for (unsigned i = 0; i < 100; i++) {
		cr_assert_eq(put(i * 200, i * 200 + 200), 0);
		cr_assert_eq(logfile_flush(f, &w), 0);
	}
	cr_assert(exists("x.1.zst") && exists("x.2.zst") && !exists("x.zst.1"));
	cr_assert_leq(size_of("x.1.zst"), 4096);
	check_packed("for i in $(seq 999 -1 1); do [ -e x.$i.zst ] && zstd -dcq x.$i.zst; done; "
		     "zstd -dcq x.zst",
		     20000);
}
