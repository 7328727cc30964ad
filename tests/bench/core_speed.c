/* SPDX-License-Identifier: MIT */
/*
 * How many events a second the core takes from a recording to JSON lines, on one core:
 * core-speed EVENTS [KIND:FILE [CHARACTERS]]. The calls are small: two int arguments, an int
 * result; or a str of so many characters there and back, recorded as from BPF. A file that ends in
 * .zst or .gz is packed.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "build.h"
#include "pack/packings.h"
#include "replay.h"

#define PID 4321
#define FUNCTIONS 64
#define LIMIT 1000 /* characters of a field */

static struct build b;

static void put(struct recorder *r)
{
	struct ft_rec *rec = build_end(&b);

	if (recorder_write(r, rec, rec->size, NULL))
		abort();
	buf_clear(&b.bytes);
}

/* The first int of a call, or a str in its place. */
static void put_value(long n, size_t characters)
{
	static const char digits[] = "0123456789abcdef";
	struct buf text = {0};
	uint64_t whole = characters;

	if (!characters) {
		t_int(&b, n);
		return;
	}
	if (whole > LIMIT)
		buf_add(&text, (char *)&whole, sizeof(whole));
	for (size_t i = 0; i < characters && i < LIMIT; i++)
		buf_char(&text, digits[(i + n) & 15]);
	tok(&b, FT_T_STR, 1, whole > LIMIT ? FT_TOK_CUT : 0, text.s, text.len);
	buf_release(&text);
}

static void make(const char *path, long events, size_t characters)
{
	struct ft_rec_session session;
	struct recorder *r;
	char name[32];

	memcpy(&session, build_session(&b), sizeof(session));
	buf_clear(&b.bytes);
	if (recorder_new(path, &session, -1, -1, &r, NULL))
		abort();
	for (int i = 0; i < FUNCTIONS; i++) {
		snprintf(name, sizeof(name), "Service.method_%d", i);
		build_code(&b, PID, 0x1000 + i * 0x90, 0, "myapp.services", name, "left right");
		put(r);
	}
	for (long i = 0; i < events / 4; i++) {
		unsigned long long ts = 2000000000ull + i * 4000;
		unsigned long long outer = 0x1000 + i % FUNCTIONS * 0x90, inner = 0x1000;

		begin_enter(&b, PID, PID, ts, outer, 0);
		put_value(i, characters);
		t_int(&b, 42);
		put(r);
		begin_enter(&b, PID, PID, ts + 1000, inner, ts);
		put_value(i, characters);
		t_int(&b, -7);
		put(r);
		begin_exit(&b, PID, PID, ts + 2000, inner, ts + 1000, FT_EXIT_RETURN);
		put_value(i + 1, characters);
		put(r);
		begin_exit(&b, PID, PID, ts + 3000, outer, ts, FT_EXIT_RETURN);
		put_value(i + 2, characters);
		put(r);
	}
	if (recorder_close(r, NULL))
		abort();
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/ft-core-speed-XXXXXX";
	const char *output = argc > 2 ? argv[2] : "jsonl:/dev/null";
	const char *file = strchr(output, ':');
	struct stat st;
	long events = argc > 1 ? atol(argv[1]) : 4000000;
	double wall, cpu;
	struct why w = {0};
	int err;

	close(mkstemp(path));
	make(path, events, argc > 3 ? strtoul(argv[3], NULL, 10) : 0);
	replay_packings = packings;
	wall = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	err = replay(path, output, LIMIT, NULL, &w);
	wall = seconds(CLOCK_MONOTONIC) - wall;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	unlink(path);
	buf_release(&b.bytes);
	if (err)
		return fprintf(stderr, "%s\n", w.text), 1;
	printf("%ld events to %s: %.0f events/s (%.0f ns of CPU each)", events, output,
	       events / wall, cpu * 1e9 / events);
	if (file && !stat(file + 1, &st) && S_ISREG(st.st_mode))
		printf(", %.1f bytes each", (double)st.st_size / events);
	printf("\n");
	return 0;
}
