/* SPDX-License-Identifier: MIT */
/*
 * Golden tests: by the sink KIND tests/replay/NAME.ftrec must give NAME.expected.KIND.
 */
#include <criterion/criterion.h>
#include <glob.h>
#include <unistd.h>

#include "base/buf.h"
#include "replay.h"

#define FOLDER FT_SOURCE_DIR "/tests/replay/"

static char *slurp(const char *path)
{
	struct buf b = {0};
	FILE *f = fopen(path, "r");
	char chunk[4096], *text;
	size_t n;

	cr_assert(f, "%s", path);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		buf_add(&b, chunk, n);
	fclose(f);
	text = buf_dup(&b);
	buf_release(&b);
	return text;
}

static void golden_of(const char *name, const char *kind, struct assembler_stats *ret_stats)
{
	char recording[512], expected[512], to[64], output[] = "/tmp/ft-replay-XXXXXX", *want, *got;
	struct why w = {0};

	snprintf(recording, sizeof(recording), FOLDER "%s.ftrec", name);
	snprintf(expected, sizeof(expected), FOLDER "%s.expected.%s", name, kind);
	close(mkstemp(output));
	snprintf(to, sizeof(to), "%s:%s", kind, output);
	cr_assert_eq(replay(recording, to, 1000, ret_stats, &w), 0, "%s", w.text);
	want = slurp(expected);
	got = slurp(output);
	unlink(output);
	cr_assert_str_eq(got, want);
	free(want);
	free(got);
}

static void golden(const char *name, struct assembler_stats *ret_stats)
{
	golden_of(name, "jsonl", ret_stats);
}

Test(replay, calls)
{
	struct assembler_stats s;

	golden("calls", &s);
	cr_assert_eq(s.enters, 3);
	cr_assert_eq(s.functions, 3);
	cr_assert_eq(s.unfinished, 0);
}

Test(replay, exceptions)
{
	struct assembler_stats s;

	golden("exceptions", &s);
	cr_assert_eq(s.exceptions, 1);
	cr_assert_eq(s.exits, 3);
}

Test(replay, http)
{
	struct assembler_stats s;

	golden("http", &s);
	cr_assert_eq(s.requests, 2);
	cr_assert_eq(s.responses, 1);
	cr_assert_eq(s.enters, 4);
	cr_assert_eq(s.unfinished, 1);
}

Test(replay, losses)
{
	struct assembler_stats s;

	golden("losses", &s);
	cr_assert_eq(s.lost, 3);
	cr_assert_eq(s.unfinished, 1);
}

Test(replay, runtime)
{
	struct assembler_stats s;

	golden("runtime", &s);
	cr_assert_eq(s.runtime, 3);
	cr_assert_eq(s.enters, 2);
	cr_assert_eq(s.unfinished, 1);
}

Test(replay, containers)
{
	struct assembler_stats s;

	golden("containers", &s);
	cr_assert_eq(s.runtime, 5);
	cr_assert_eq(s.exceptions, 1);
}

Test(replay, states)
{
	struct assembler_stats s;

	golden("states", &s);
	cr_assert_eq(s.enters, 2);
	cr_assert_eq(s.unfinished, 1);
}

Test(replay, sampled)
{
	struct assembler_stats s;

	golden("sampled", &s);
	cr_assert_eq(s.enters, 1);
	cr_assert_eq(s.lost, 0);
}

/* Each golden file there is, of whatever sink: NAME.expected.KIND. */
Test(replay, every_sink)
{
	glob_t found;

	setenv("TZ", "UTC", 1);
	cr_assert_eq(glob(FOLDER "*.expected.*", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char name[64], kind[16];

		cr_assert_eq(sscanf(found.gl_pathv[i] + strlen(FOLDER), "%63[^.].expected.%15s",
				    name, kind),
			     2, "%s", found.gl_pathv[i]);
		golden_of(name, kind, NULL);
	}
	cr_assert_geq(found.gl_pathc, 12);
	globfree(&found);
}
