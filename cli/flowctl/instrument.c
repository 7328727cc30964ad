/* SPDX-License-Identifier: MIT */
/* instrument and uninstrument: the same way through files, in and out. */
#include <errno.h>
#include <stdio.h>

#include "json_out.h"
#include "source/change.h"
#include "source_files.h"
#include "terminal.h"

struct options {
	bool dry_run, no_backup, all;
};

/* What was done in all files. */
struct total {
	size_t changed, functions, failed, left_out[FOUND_STATES];
};

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void add_to_total(struct total *t, const struct change_result *r)
{
	t->changed += r->changed;
	t->functions += r->lines.functions;
	for (int i = 0; i < FOUND_STATES; i++)
		t->left_out[i] += r->left_out[i];
}

/* ---- for people ------------------------------------------------------------------------ */

static void print_file(const char *path, const struct change_options *o,
		       const struct change_result *r)
{
	if (o->dry_run)
		fwrite(r->diff.s, 1, r->diff.len, stdout);
	else if (r->changed)
		terminal_line(stdout, "%s: %zu function%s", path, r->lines.functions,
			      plural(r->lines.functions));
	if (r->backup == BACKUP_DIFFERS)
		terminal_line(stderr, "flowctl: %s.bak exists with other content: it is kept",
			      path);
	if (r->lines.left)
		terminal_line(stderr,
			      "flowctl: %s: %zu of flowctl's lines were edited: they are kept",
			      path, r->lines.left);
}

/* Beside a diff it would be in the way: it goes to standard error. */
static void print_total(const struct change_options *o, const struct total *t)
{
	FILE *f = o->dry_run ? stderr : stdout;

	fprintf(f, "%zu file%s %schanged, %zu function%s %s\n", t->changed, plural(t->changed),
		o->dry_run ? "would be " : "", t->functions, plural(t->functions),
		o->undo ? "as they were" : "instrumented");
	if (t->left_out[FOUND_INSTRUMENTED])
		fprintf(f, "%zu already instrumented\n", t->left_out[FOUND_INSTRUMENTED]);
	for (int i = FOUND_STUB; i < FOUND_STATES; i++)
		if (t->left_out[i])
			fprintf(f, "%zu left out: %s%s\n", t->left_out[i],
				found_state_text((enum found_state)i),
				i == FOUND_READS_FRAMES ? " (--all takes them too)" : "");
	if (t->failed)
		fprintf(f, "%zu file%s skipped\n", t->failed, plural(t->failed));
}

/* ---- for programs ---------------------------------------------------------------------- */

static void put_file(struct json_out *j, const char *path, const struct change_options *o,
		     const struct change_result *r, const char *error)
{
	json_begin(j, NULL, '{');
	json_text(j, "path", path);
	if (error) {
		json_text(j, "error", error);
		json_end(j, '}');
		return;
	}
	json_flag(j, "changed", r->changed);
	json_u64(j, "functions", r->lines.functions);
	if (o->undo)
		json_u64(j, "left", r->lines.left);
	else
		json_flag(j, "backup_differs", r->backup == BACKUP_DIFFERS);
	if (o->dry_run)
		json_bytes(j, "diff", r->diff.len ? r->diff.s : "", r->diff.len);
	json_end(j, '}');
}

static void put_total(struct json_out *j, const struct change_options *o, const struct total *t)
{
	json_u64(j, "changed", t->changed);
	json_u64(j, "functions", t->functions);
	json_u64(j, "skipped", t->failed);
	if (o->undo)
		return;
	json_begin(j, "left_out", '{');
	for (int i = FOUND_INSTRUMENTED; i < FOUND_STATES; i++)
		json_u64(j, found_state_name((enum found_state)i), t->left_out[i]);
	json_end(j, '}');
}

/* ---- all files --------------------------------------------------------------------------- */

static void change(const char *path, const struct change_options *o, struct total *t,
		   struct json_out *j)
{
	struct change_result r;
	struct why w = {};

	if (change_file(path, o, &r, &w)) {
		source_file_fail(path, &w);
		t->failed++;
	} else {
		add_to_total(t, &r);
		if (!j)
			print_file(path, o, &r);
	}
	if (j)
		put_file(j, path, o, &r, w.text[0] ? w.text : NULL);
	change_result_release(&r);
}

static void change_files(const struct files *f, const struct change_options *o, struct total *t)
{
	for (size_t i = 0; i < f->count; i++)
		change(f->path[i], o, t, NULL);
	print_total(o, t);
}

static int change_files_json(const struct files *f, const struct change_options *o, struct total *t)
{
	struct json_out j = {};

	json_begin(&j, NULL, '{');
	json_begin(&j, "files", '[');
	for (size_t i = 0; i < f->count; i++)
		change(f->path[i], o, t, &j);
	json_end(&j, ']');
	put_total(&j, o, t);
	json_end(&j, '}');
	return json_print(&j);
}

static int change_all(const struct arguments *a, const struct change_options *o)
{
	struct files f = {};
	struct total t = {};
	struct why w = {};
	int status;

	if (!source_files_open(&f, a, &status)) {
		if (!a->json)
			change_files(&f, o, &t);
		else if (change_files_json(&f, o, &t))
			status = command_end(-ENOMEM, &w);
	}
	source_files_close(&f);
	return t.failed ? EXIT_OTHER : status;
}

static int run_instrument(const struct arguments *a)
{
	const struct options *given = a->options;
	struct change_options o = {
		.all = given->all,
		.dry_run = given->dry_run,
		.backup = !given->no_backup,
	};

	return change_all(a, &o);
}

static int run_uninstrument(const struct arguments *a)
{
	const struct options *given = a->options;
	struct change_options o = {.undo = true, .dry_run = given->dry_run};

	return change_all(a, &o);
}

static const struct command_option instrument_options[] = {
	{.name = "dry-run",
	 .letter = 'n',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, dry_run),
	 .help = "change nothing; print what would change, as a diff for patch -p1"},
	{.name = "no-backup",
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, no_backup),
	 .help = "do not save the original as FILE.bak"},
	{.name = "all",
	 .letter = 'a',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, all),
	 .help = "also functions that look at the frames of their callers"},
	{0},
};

static const struct command_option uninstrument_options[] = {
	{.name = "dry-run",
	 .letter = 'n',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, dry_run),
	 .help = "change nothing; print what would change, as a diff for patch -p1"},
	{0},
};

const struct command command_instrument = {
	.name = "instrument",
	.group = COMMANDS_CODE,
	.operands = "PATH...",
	.min_operands = 1,
	.summary = "add @trace to functions in Python files",
	.about = "Adds a decorator line above every function of the given Python files (for a "
		 "folder, of all files below it) and an import to each file, so that "
		 "flowtrace_agent traces them. Only whole lines are inserted: every other byte is "
		 "unchanged, and flowctl uninstrument removes the lines again. Running it twice "
		 "changes nothing.\n\nThe decorator is directly above def, below other decorators. "
		 "Left out are functions with an empty body, overloads, code that only type "
		 "checkers see, functions that a decorator such as numba.jit compiles to machine "
		 "code, and, without --all, functions that look at the frames above them "
		 "(sys._getframe, stacklevel): flowtrace_agent adds no frame, but another @trace "
		 "may.\n\nThe result must compile before it replaces the file, in one step. A file "
		 "that is not valid Python is named and skipped, the others are processed, and the "
		 "exit status is 1.",
	.options = instrument_options,
	.options_size = sizeof(struct options),
	.run = run_instrument,
};

const struct command command_uninstrument = {
	.name = "uninstrument",
	.group = COMMANDS_CODE,
	.operands = "PATH...",
	.min_operands = 1,
	.summary = "remove what instrument added",
	.about = "Removes the lines that flowctl instrument added, and no other byte. A FILE.bak "
		 "that is identical to the restored file is deleted. Lines of flowctl that were "
		 "edited since are kept, and named.",
	.options = uninstrument_options,
	.options_size = sizeof(struct options),
	.run = run_uninstrument,
};
