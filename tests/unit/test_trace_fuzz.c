/* SPDX-License-Identifier: MIT */
/* Runs the fuzzers of traces over their corpus: seeds, and past findings. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fuzz/fuzz.h"
#include "read/parse.h"

#define CORPUS FT_SOURCE_DIR "/tests/fuzz/corpus/"

/* A file in memory of just its size. */
static uint8_t *content(const char *folder, const char *name, size_t *ret_size)
{
	char path[512];
	uint8_t *data;
	FILE *f;

	snprintf(path, sizeof(path), CORPUS "%s/%s", folder, name);
	f = fopen(path, "rb");
	cr_assert_not_null(f, "%s", path);
	fseek(f, 0, SEEK_END);
	*ret_size = (size_t)ftell(f);
	rewind(f);
	data = malloc(*ret_size ? *ret_size : 1);
	cr_assert_eq(fread(data, 1, *ret_size, f), *ret_size);
	fclose(f);
	return data;
}

static int replay(const char *folder, int (*fuzz)(const uint8_t *, size_t))
{
	char path[512];
	struct dirent *entry;
	DIR *dir;
	int files = 0;

	snprintf(path, sizeof(path), CORPUS "%s", folder);
	dir = opendir(path);
	cr_assert_not_null(dir, "no %s", path);
	while ((entry = readdir(dir))) {
		uint8_t *data;
		size_t size;

		if (entry->d_name[0] == '.')
			continue;
		data = content(folder, entry->d_name, &size);
		cr_assert_eq(fuzz(data, size), 0);
		free(data);
		files++;
	}
	closedir(dir);
	return files;
}

Test(trace_fuzz, corpus, .timeout = 60)
{
	cr_assert_geq(replay("trace", fuzz_trace), 5);
	cr_assert_geq(replay("trace_line", fuzz_trace_line), 8);
	cr_assert_geq(replay("where", fuzz_where), 4);
	cr_assert_geq(replay("export", fuzz_export), 3);
	cr_assert_geq(replay("report", fuzz_report), 3);
}

/* The fuzzer starts where each kind of line is understood. */
Test(trace_fuzz, seeds_are_understood)
{
	static const char *const kinds[] = {"ENTER",	    "EXIT",	     "EXCEPTION",
					    "HTTP_REQUEST", "HTTP_RESPONSE", "LOST"};

	for (int i = 0; i < 6; i++) {
		struct trace_fault fault;
		struct trace_event e;
		char name[32];
		size_t size;
		uint8_t *data;

		snprintf(name, sizeof(name), "good-%s", kinds[i]);
		data = content("trace_line", name, &size);
		cr_assert_eq(trace_parse((char *)data, size, &e, &fault), TRACE_IS_EVENT, "%s",
			     name);
		cr_assert_eq((int)e.kind, TRACE_ENTER + i);
		free(data);
	}
}
