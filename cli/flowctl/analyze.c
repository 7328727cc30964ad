/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "json_out.h"
#include "source/project.h"
#include "source_files.h"
#include "terminal.h"

#define MAX_PREFIXES 8 /* more would make no command that anybody types */

struct options {
	bool verbose;
};

static size_t left_out(const size_t state[FOUND_STATES])
{
	size_t n = 0;

	for (int i = FOUND_STUB; i < FOUND_STATES; i++)
		n += state[i];
	return n;
}

/* ---- for people ------------------------------------------------------------------------ */

static void print_function(const struct found_function *f)
{
	printf("%8zu  %s%s%s", f->line, f->flags & FOUND_ASYNC ? "async " : "", f->name,
	       f->flags & FOUND_GENERATOR ? " (generator)" : "");
	if (f->state != FOUND_FREE)
		printf("  %s%s%s", style(stdout, STYLE_DIM), found_state_text(f->state),
		       style(stdout, STYLE_PLAIN));
	putchar('\n');
}

static void print_file(const char *path, const struct found *f, bool verbose)
{
	size_t state[FOUND_STATES] = {};

	for (size_t i = 0; i < f->nfunctions; i++)
		state[f->function[i].state]++;
	terminal_line(stdout, "%9zu %14zu %12zu %8zu  %s%s%s%s", f->nfunctions, state[FOUND_FREE],
		      state[FOUND_INSTRUMENTED], left_out(state), path,
		      f->frameworks[0] ? " (" : "", f->frameworks, f->frameworks[0] ? ")" : "");
	for (size_t i = 0; verbose && i < f->nfunctions; i++)
		print_function(&f->function[i]);
}

/* "flowtrace-bpf --prefix shop,worker -- python3 ..." */
static void print_suggestion(const struct project *p)
{
	size_t n = p->npackages < MAX_PREFIXES ? p->npackages : MAX_PREFIXES;

	if (!p->functions)
		return;
	fputs("\nTo trace them without a change: flowtrace-bpf --prefix ", stdout);
	for (size_t i = 0; i < n && p->package[i].functions; i++)
		printf("%s%s", i ? "," : "", p->package[i].name);
	puts(p->is_script ? ",__main__ -- python3 ..." : " -- python3 ...");
}

static void print_total(const struct project *p)
{
	printf("\n%zu file%s analyzed", p->files, p->files == 1 ? "" : "s");
	printf(p->skipped ? ", %zu skipped\n" : "\n", p->skipped);
	printf("%zu functions in total, %zu classes: %zu methods, %zu nested, %zu async, "
	       "%zu generators\n",
	       p->functions, p->classes, p->methods, p->nested, p->async, p->generators);
	printf("%zu functions can be instrumented\n", p->state[FOUND_FREE]);
	printf("%zu already instrumented\n", p->state[FOUND_INSTRUMENTED]);
	printf("%zu left out\n", left_out(p->state));
	for (int i = FOUND_STUB; i < FOUND_STATES; i++)
		if (p->state[i])
			printf("  %zu: %s%s\n", p->state[i], found_state_text((enum found_state)i),
			       i == FOUND_READS_FRAMES ? " (instrument --all takes them)" : "");
	printf("frameworks: %s\n", p->frameworks ? p->frameworks : "none");
	print_suggestion(p);
}

/* ---- for programs ---------------------------------------------------------------------- */

static void put_function(struct json_out *j, const struct found_function *f)
{
	json_begin(j, NULL, '{');
	json_text(j, "name", f->name);
	json_u64(j, "line", f->line);
	json_text(j, "state", found_state_name(f->state));
	json_flag(j, "async", f->flags & FOUND_ASYNC);
	json_flag(j, "generator", f->flags & FOUND_GENERATOR);
	json_flag(j, "method", f->flags & FOUND_METHOD);
	json_flag(j, "nested", f->flags & FOUND_NESTED);
	json_end(j, '}');
}

/* An array of the words of "a, b". */
static void put_words(struct json_out *j, const char *key, const char *list)
{
	json_begin(j, key, '[');
	while (list && *list) {
		size_t n = strcspn(list, ",");

		json_bytes(j, NULL, list, n);
		list += n;
		list += strspn(list, ", ");
	}
	json_end(j, ']');
}

static void put_file(struct json_out *j, const char *path, const struct found *f)
{
	json_begin(j, NULL, '{');
	json_text(j, "path", path);
	json_u64(j, "classes", f->nclasses);
	put_words(j, "frameworks", f->frameworks);
	json_begin(j, "functions", '[');
	for (size_t i = 0; i < f->nfunctions; i++)
		put_function(j, &f->function[i]);
	json_end(j, ']');
	json_end(j, '}');
}

static void put_error(struct json_out *j, const char *path, const char *kind, const struct why *w)
{
	json_begin(j, NULL, '{');
	json_text(j, "path", path);
	json_text(j, "error", w->text);
	json_text(j, "kind", kind);
	json_end(j, '}');
}

static void put_prefixes(struct json_out *j, const struct project *p)
{
	json_begin(j, "prefixes", '[');
	for (size_t i = 0; i < p->npackages; i++)
		if (p->package[i].functions)
			json_text(j, NULL, p->package[i].name);
	if (p->is_script)
		json_text(j, NULL, "__main__");
	json_end(j, ']');
}

static void put_total(struct json_out *j, const struct project *p)
{
	json_begin(j, "total", '{');
	json_u64(j, "files", p->files);
	json_u64(j, "skipped", p->skipped);
	json_u64(j, "classes", p->classes);
	json_u64(j, "functions", p->functions);
	json_u64(j, "instrumentable", p->state[FOUND_FREE]);
	json_u64(j, "instrumented", p->state[FOUND_INSTRUMENTED]);
	json_begin(j, "left_out", '{');
	for (int i = FOUND_STUB; i < FOUND_STATES; i++)
		json_u64(j, found_state_name((enum found_state)i), p->state[i]);
	json_end(j, '}');
	json_u64(j, "methods", p->methods);
	json_u64(j, "nested", p->nested);
	json_u64(j, "async", p->async);
	json_u64(j, "generators", p->generators);
	json_end(j, '}');
}

/* ---- all files --------------------------------------------------------------------------- */

static void analyze(const char *path, const struct options *o, struct project *p,
		    struct json_out *j)
{
	struct buf text = {};
	struct stat st;
	struct found f = {};
	struct why w = {};
	enum refusal refusal;
	const char *kind = "unreadable";
	int err = file_read(path, &text, &st, &w);

	if (!err) {
		err = examine(text.s, text.len, &f, &refusal, &w);
		kind = err == -EINVAL ? refusal_name(refusal) : kind;
	}
	if (!err && project_add(p, path, &f))
		err = why(&w, -ENOMEM, "out of memory");
	if (err) {
		source_file_fail(path, &w);
		p->skipped++;
	} else if (!j) {
		print_file(path, &f, o->verbose);
	}
	if (j && err)
		put_error(j, path, kind, &w);
	else if (j)
		put_file(j, path, &f);
	found_release(&f);
	buf_release(&text);
}

static void analyze_all(const struct files *f, const struct options *o, struct project *p)
{
	if (f->count)
		puts("functions instrumentable instrumented left out  file");
	for (size_t i = 0; i < f->count; i++)
		analyze(f->path[i], o, p, NULL);
	project_sort(p);
	if (f->count)
		print_total(p);
}

static int analyze_all_json(const struct files *f, const struct options *o, struct project *p)
{
	struct json_out j = {};

	json_begin(&j, NULL, '{');
	json_begin(&j, "files", '[');
	for (size_t i = 0; i < f->count; i++)
		analyze(f->path[i], o, p, &j);
	json_end(&j, ']');
	project_sort(p);
	put_total(&j, p);
	put_words(&j, "frameworks", p->frameworks);
	put_prefixes(&j, p);
	json_end(&j, '}');
	return json_print(&j);
}

static int run_analyze(const struct arguments *a)
{
	struct project p = {};
	struct files f = {};
	struct why w = {};
	int status;

	if (!source_files_open(&f, a, &status)) {
		if (!a->json)
			analyze_all(&f, a->options, &p);
		else if (analyze_all_json(&f, a->options, &p))
			status = command_end(-ENOMEM, &w);
	}
	status = p.skipped ? EXIT_OTHER : status;
	source_files_close(&f);
	project_release(&p);
	return status;
}

static const struct command_option options[] = {
	{.name = "verbose",
	 .letter = 'v',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, verbose),
	 .help = "list every function"},
	{0},
};

const struct command command_analyze = {
	.name = "analyze",
	.group = COMMANDS_CODE,
	.operands = "PATH...",
	.min_operands = 1,
	.summary = "count functions in Python files and report which can be instrumented",
	.about = "Reads Python files (for a folder, all files below it) and reports for each how "
		 "many functions it has, how many flowctl instrument would change, how many are "
		 "instrumented already, and how many are left out and why; also which web "
		 "frameworks are imported, and which --prefix would trace them. Nothing is "
		 "imported or run.\n\nA file that is not valid Python is named and skipped, the "
		 "others are processed, and the exit status is 1.",
	.options = options,
	.options_size = sizeof(struct options),
	.run = run_analyze,
};
