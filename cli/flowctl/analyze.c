/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "source/project.h"
#include "source_files.h"
#include "style.h"

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
	printf("%9zu %14zu %12zu %8zu  %s%s%s%s\n", f->nfunctions, state[FOUND_FREE],
	       state[FOUND_INSTRUMENTED], left_out(state), path, f->frameworks[0] ? " (" : "",
	       f->frameworks, f->frameworks[0] ? ")" : "");
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

static struct json_object *function_json(const struct found_function *f)
{
	struct json_object *o = json_object_new_object();

	source_add_text(o, "name", f->name);
	source_add_number(o, "line", f->line);
	source_add_text(o, "state", found_state_name(f->state));
	source_add_bool(o, "async", f->flags & FOUND_ASYNC);
	source_add_bool(o, "generator", f->flags & FOUND_GENERATOR);
	source_add_bool(o, "method", f->flags & FOUND_METHOD);
	source_add_bool(o, "nested", f->flags & FOUND_NESTED);
	return o;
}

/* An array of the words of "a, b". */
static struct json_object *words_json(const char *list)
{
	struct json_object *all = json_object_new_array();

	while (list && *list) {
		size_t n = strcspn(list, ",");

		json_object_array_add(all, json_object_new_string_len(list, (int)n));
		list += n;
		list += strspn(list, ", ");
	}
	return all;
}

static struct json_object *file_json(const char *path, const struct found *f)
{
	struct json_object *o = json_object_new_object(), *functions = json_object_new_array();

	source_add_text(o, "path", path);
	source_add_number(o, "classes", f->nclasses);
	json_object_object_add(o, "frameworks", words_json(f->frameworks));
	for (size_t i = 0; i < f->nfunctions; i++)
		json_object_array_add(functions, function_json(&f->function[i]));
	json_object_object_add(o, "functions", functions);
	return o;
}

static struct json_object *error_json(const char *path, const char *kind, const struct why *w)
{
	struct json_object *o = json_object_new_object();

	source_add_text(o, "path", path);
	source_add_text(o, "error", w->text);
	source_add_text(o, "kind", kind);
	return o;
}

static struct json_object *prefixes_json(const struct project *p)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; i < p->npackages; i++)
		if (p->package[i].functions)
			json_object_array_add(all, source_text(p->package[i].name));
	if (p->is_script)
		json_object_array_add(all, json_object_new_string("__main__"));
	return all;
}

static struct json_object *total_json(const struct project *p)
{
	struct json_object *o = json_object_new_object(), *left = json_object_new_object();

	source_add_number(o, "files", p->files);
	source_add_number(o, "skipped", p->skipped);
	source_add_number(o, "classes", p->classes);
	source_add_number(o, "functions", p->functions);
	source_add_number(o, "instrumentable", p->state[FOUND_FREE]);
	source_add_number(o, "instrumented", p->state[FOUND_INSTRUMENTED]);
	for (int i = FOUND_STUB; i < FOUND_STATES; i++)
		source_add_number(left, found_state_name((enum found_state)i), p->state[i]);
	json_object_object_add(o, "left_out", left);
	source_add_number(o, "methods", p->methods);
	source_add_number(o, "nested", p->nested);
	source_add_number(o, "async", p->async);
	source_add_number(o, "generators", p->generators);
	return o;
}

static void print_json(const struct project *p, struct json_object *files)
{
	struct json_object *all = json_object_new_object();

	json_object_object_add(all, "files", files);
	json_object_object_add(all, "total", total_json(p));
	json_object_object_add(all, "frameworks", words_json(p->frameworks));
	json_object_object_add(all, "prefixes", prefixes_json(p));
	source_print_json(all);
}

/* ---- all files --------------------------------------------------------------------------- */

static void analyze(const char *path, const struct options *o, struct project *p,
		    struct json_object *files)
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
	} else if (!files) {
		print_file(path, &f, o->verbose);
	}
	if (files)
		json_object_array_add(files,
				      err ? error_json(path, kind, &w) : file_json(path, &f));
	found_release(&f);
	buf_release(&text);
}

static int run(const struct arguments *a)
{
	struct json_object *files = a->json ? json_object_new_array() : NULL;
	struct project p = {};
	struct files f = {};
	int status;

	if (!source_files_open(&f, a, &status)) {
		if (!files && f.count)
			puts("functions instrumentable instrumented left out  file");
		for (size_t i = 0; i < f.count; i++)
			analyze(f.path[i], a->options, &p, files);
		project_sort(&p);
		if (files)
			print_json(&p, json_object_get(files));
		else if (f.count)
			print_total(&p);
	}
	status = p.skipped ? EXIT_OTHER : status;
	source_files_close(&f);
	project_release(&p);
	json_object_put(files);
	return status;
}

static const struct command_option options[] = {
	{"verbose", 'v', VALUE_SWITCH, OPTION_AT(struct options, verbose), NULL, NULL,
	 "name every function", 0, 0},
	{0},
};

const struct command command_analyze = {
	.name = "analyze",
	.group = COMMANDS_CODE,
	.operands = "PATH...",
	.min_operands = 1,
	.summary = "count the functions of Python files, and say which can be instrumented",
	.about =
		"Reads Python files, or all below a folder, and says for each how many functions "
		"it has, how many flowctl instrument would take, how many are instrumented and how "
		"many are left out and why; which web frameworks are imported; and which --prefix "
		"would trace them. Nothing is imported or run.\n\n"
		"A file that cannot be read as Python is skipped and named, the others are done, "
		"and "
		"the exit status is 1.",
	.options = options,
	.options_size = sizeof(struct options),
	.run = run,
};
