/* SPDX-License-Identifier: MIT */
/*
 * Commands as people type them. Those of flowctl are parsed by flowctl when the pages are made: an
 * example that it would refuse stops the build.
 */
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "manual.h"

#define WORDS_MAX 32

/* clang-format off: a row each */
const struct example examples[] = {
	{"flowtrace-bpf", "flowtrace-bpf --pid 1234 --prefix shop -o trace.jsonl",
	 "Trace the calls of the package shop in a running process, until Ctrl-C:"},
	{"flowtrace-bpf", "flowtrace-bpf --pid $(pgrep -o gunicorn) --follow --prefix shop",
	 "A gunicorn master and all of its workers, also those that it starts later:"},
	{"flowtrace-bpf", "flowtrace-bpf --prefix myapp -- python3 -m myapp",
	 "A program, from its first call:"},
	{"flowtrace-bpf", "flowtrace-bpf --check --pid 1234",
	 "What can be traced in a process, and why not, without touching it:"},
	{"flowtrace-bpf",
	 "flowtrace-bpf --pid 1234 --no-args --no-result -d 10 -o - | flowctl stats -",
	 "What ten seconds of a process cost, without its values:"},
	{"flowtrace-bpf",
	 "flowtrace-bpf --pid 1234 --record run.ftrec -o /dev/null && "
	 "flowtrace-bpf --replay run.ftrec --max-arg-length 100 -o -",
	 "Keep the raw records, and render them later with other limits; this needs no root:"},

	{"flowctl", "flowctl stats --sort p95 --limit 10 trace.jsonl",
	 "The ten functions with the longest calls:"},
	{"flowctl", "flowctl errors trace.jsonl.zst", "The exceptions of a packed trace:"},
	{"stats", "flowctl stats --sort p95 --limit 10 trace.jsonl",
	 "The ten functions with the greatest 95th percentile:"},
	{"stats", "flowctl stats --by module --json trace.jsonl.gz", "By module, as JSON:"},
	{"slow", "flowctl slow -n 5 trace.jsonl", "The five slowest calls:"},
	{"errors", "flowctl errors trace.jsonl", "What was raised, how often and where:"},
	{"check", "flowctl check trace.jsonl && echo whole", "Is anything missing?"},
	{"top", "flowctl top --pid 1234 --prefix shop", "A live view of a process:"},
	{"top", "flowctl top --pid 1234 --once --json | jq '.rows[0].name'",
	 "The function that takes most time, as JSON:"},
	{"tree", "flowctl tree --depth 3 --min 10ms trace.jsonl",
	 "Who called whom, and what took at least 10 ms in all:"},
	{"requests", "flowctl requests --slow 3 trace.jsonl",
	 "Requests by route, and what the three slowest spent their time on:"},
	{"grep", "flowctl grep --where 'durationMicros>100ms' trace.jsonl",
	 "Events of calls that took more than 100 ms:"},
	{"diff", "flowctl diff --threshold 10% before.jsonl after.jsonl",
	 "What became slower by a tenth or more:"},
	{"merge", "flowctl merge -o all.jsonl.zst one.jsonl two.jsonl",
	 "Two traces as one, in order of time:"},
	{"export", "flowctl export --to speedscope -o trace.speedscope.json trace.jsonl",
	 "For speedscope:"},
	{"report", "flowctl report -o report.html trace.jsonl", "One HTML file to share:"},
	{"analyze", "flowctl analyze src", "What could be traced in the files below src:"},
	{"instrument", "flowctl instrument --dry-run src", "What would change, as a diff:"},
	{"uninstrument", "flowctl uninstrument src", "Remove all of it again:"},
	{"validate", "flowctl validate --python .venv/bin/python3 .",
	 "Can this project be traced with its own interpreter?"},
	{"init", "flowctl init --prefix shop .", "Prepare a project for FlowTrace's MCP server:"},
	{"help", "flowctl help stats", "How a command is used:"},
	{"version", "flowctl version --json", "The version, as JSON:"},
	{0},
};
/* clang-format on */

/* As a shell does, up to what is for the shell itself; cuts the text to pieces. */
static size_t split(char *text, char **word)
{
	bool quoted = false, inside = false;
	char *to = text;
	size_t n = 0;

	for (const char *c = text; *c && n < WORDS_MAX; c++) {
		char letter = *c;

		if (letter == '\'') {
			quoted = !quoted;
			continue;
		}
		if (!quoted && strchr("|&;$<>", letter))
			break;
		if (quoted || letter != ' ') {
			if (!inside)
				word[n++] = to;
			inside = true;
			*to++ = letter;
		} else if (inside) {
			inside = false;
			*to++ = 0;
		}
	}
	*to = 0;
	return n;
}

static bool holds(const struct example *e)
{
	char *text = strdup(e->command), *word[WORDS_MAX];
	size_t n = text ? split(text, word) : 0;
	const struct command *c = n > 1 ? command_find(word[1]) : NULL;
	struct arguments a = {0};
	struct why w = {0};
	bool ok = c && !arguments_parse(&a, c, (int)n - 1, word + 1, &w);

	if (!ok)
		fprintf(stderr, "flowtrace-manual: %s: %s\n", e->command,
			c ? w.text : "no such command");
	if (c)
		arguments_release(&a);
	free(text);
	return ok;
}

bool examples_hold(void)
{
	bool ok = true;

	for (const struct example *e = examples; e->command; e++)
		if (!strncmp(e->command, "flowctl ", 8) && !holds(e))
			ok = false;
	return ok;
}
