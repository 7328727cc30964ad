/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "json_out.h"
#include "source/examine.h"
#include "source/interpreter.h"
#include "source/project.h"
#include "source/setup.h"
#include "source_files.h"
#include "terminal.h"

struct options {
	const char *prefix, *run;
	bool force;
};

/* Web frameworks of the project, as far as it can be read. */
static void look(const char *folder, struct project *p)
{
	struct files files = {};
	enum refusal refusal;

	files_add(&files, folder, NULL, NULL, NULL);
	for (size_t i = 0; i < files.count; i++) {
		struct buf text = {};
		struct found f = {};
		struct stat st;

		if (!file_read(files.path[i], &text, &st, NULL) &&
		    !examine(text.s, text.len, &f, &refusal, NULL))
			project_add(p, files.path[i], &f);
		found_release(&f);
		buf_release(&text);
	}
	files_release(&files);
}

static int report(const struct arguments *a, const char *folder, const char *program)
{
	struct json_out j = {};

	if (a->json) {
		json_begin(&j, NULL, '{');
		json_text(&j, "folder", folder);
		json_text(&j, "config", SETUP_CONFIG);
		json_text(&j, "script", SETUP_SCRIPT);
		json_text(&j, "program", program);
		json_end(&j, '}');
		return json_print(&j);
	}
	terminal_line(stdout, "%s/" SETUP_CONFIG, folder);
	terminal_line(stdout, "%s/" SETUP_SCRIPT, folder);
	if (program)
		terminal_line(stdout, "runs: python3 %s", program);
	else
		puts("no program found to run: give one to the script, or name it in PROGRAM "
		     "there");
	return 0;
}

static int run_init(const struct arguments *a)
{
	const struct options *o = a->options;
	struct setup s = {
		.folder = a->noperands ? a->operand[0] : ".",
		.prefix = o->prefix ? o->prefix : "",
		.program = o->run,
		.force = o->force,
	};
	struct project p = {};
	struct why w = {};
	char *program = NULL;
	int err = interpreter_start(&w);

	if (!err) {
		look(s.folder, &p);
		s.frameworks = p.frameworks;
		err = setup_write(&s, &program, &w);
	}
	interpreter_stop();
	if (!err)
		err = report(a, s.folder, program);
	project_release(&p);
	free(program);
	return command_end(err, &w);
}

static const struct command_option options[] = {
	{.name = "prefix",
	 .letter = 'P',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, prefix),
	 .value = "A,B",
	 .help = "modules to trace, by the start of their dotted names (default: all but the "
		 "standard library and installed packages)"},
	{.name = "run",
	 .letter = 'r',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, run),
	 .value = "WORDS",
	 .help = "what the script runs, after python3: \"app.py --port 80\", \"-m shop\" (default: "
		 "manage.py, app.py, main.py, run.py, server.py or the one package with a "
		 "__main__.py)"},
	{.name = "force",
	 .letter = 'f',
	 .kind = VALUE_SWITCH,
	 .at = OPTION_AT(struct options, force),
	 .help = "replace existing files"},
	{0},
};

const struct command command_init = {
	.name = "init",
	.group = COMMANDS_CODE,
	.operands = "[DIR]",
	.max_operands = 1,
	.summary = "write the two files by which FlowTrace's MCP server runs a project",
	.about = "Writes .flowtrace/config.json, with the settings, and run-and-flowtrace.sh, "
		 "which runs the project under flowtrace-bpf where that can trace it, else with "
		 "flowtrace_agent. Existing files are kept unless --force is given.",
	.options = options,
	.options_size = sizeof(struct options),
	.run = run_init,
};
