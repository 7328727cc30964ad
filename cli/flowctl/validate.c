/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json_out.h"
#include "source/interpreter.h"
#include "source/validate.h"
#include "source_files.h"
#include "terminal.h"

#define COLLECTOR "flowtrace-bpf"

struct options {
	const char *python;
};

/* The one beside this program, else whatever is in PATH. */
static const char *find_collector(char path[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(COLLECTOR) - 1);
	char *slash;

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	if (!slash)
		return COLLECTOR;
	strcpy(slash + 1, COLLECTOR);
	return access(path, X_OK) ? COLLECTOR : path;
}

static const char *conclusion(const struct validation *v)
{
	if (!v->ok && (v->bpf || v->agent))
		return "see NO above";
	if (v->bpf)
		return v->agent ? "from outside and from inside"
				: "from outside, with flowtrace-bpf";
	return v->agent ? "from inside, with flowtrace_agent"
			: "neither with flowtrace-bpf nor with flowtrace_agent";
}

static void print(const struct validation *v)
{
	static const struct {
		const char *word;
		enum style style;
	} mark[] = {
		[VERDICT_YES] = {"yes", STYLE_GREEN},
		[VERDICT_NO] = {"NO", STYLE_RED},
		[VERDICT_NOTE] = {"", STYLE_PLAIN},
	};

	for (size_t i = 0; i < v->nrows; i++) {
		const struct check_row *row = &v->row[i];

		printf("%-12s %s%-3s%s ", row->name, style(stdout, mark[row->verdict].style),
		       mark[row->verdict].word, style(stdout, STYLE_PLAIN));
		terminal_line(stdout, "%s", row->text);
	}
	printf("%-12s %-3s %s\n", "traceable", v->ok ? "yes" : "NO", conclusion(v));
}

static int print_json(const struct validation *v)
{
	static const char *const word[] = {"yes", "no", "note"};
	struct json_out j = {};

	json_begin(&j, NULL, '{');
	json_flag(&j, "ok", v->ok);
	json_flag(&j, "bpf", v->bpf);
	json_flag(&j, "agent", v->agent);
	json_begin(&j, "checks", '[');
	for (size_t i = 0; i < v->nrows; i++) {
		json_begin(&j, NULL, '{');
		json_text(&j, "name", v->row[i].name);
		json_text(&j, "verdict", word[v->row[i].verdict]);
		json_text(&j, "text", v->row[i].text);
		json_end(&j, '}');
	}
	json_end(&j, ']');
	json_end(&j, '}');
	return json_print(&j);
}

static int run_validate(const struct arguments *a)
{
	const struct options *o = a->options;
	char collector[PATH_MAX];
	struct validation v;
	struct why w = {};
	int err = interpreter_start(&w);

	if (!err)
		err = validate(a->noperands ? a->operand[0] : ".", o->python,
			       find_collector(collector), &v, &w);
	interpreter_stop();
	if (!err && a->json)
		err = print_json(&v);
	else if (!err)
		print(&v);
	if (err)
		return command_end(err, &w);
	return v.ok ? EXIT_DONE : EXIT_OTHER;
}

static const struct command_option options[] = {
	{.name = "python",
	 .letter = 'p',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, python),
	 .value = "EXE",
	 .initial = "python3",
	 .help = "the interpreter that runs the project"},
	{0},
};

const struct command command_validate = {
	.name = "validate",
	.group = COMMANDS_CODE,
	.operands = "[PATH]",
	.max_operands = 1,
	.summary = "report whether and how a project can be traced here",
	.about =
		"Asks the interpreter that runs the project whether flowtrace_agent can be "
		"imported, and flowtrace-bpf whether it can trace that interpreter on this kernel "
		"with these permissions; counts the project's functions, names its web frameworks, "
		"and checks .flowtrace/config.json and run-and-flowtrace.sh if they exist. No code "
		"of the project is run.\n\nThe exit status is 0 if at least one of the two ways "
		"works, there is something to trace, and no setting is wrong; else 1.",
	.options = options,
	.options_size = sizeof(struct options),
	.run = run_validate,
};
