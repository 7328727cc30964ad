/* SPDX-License-Identifier: MIT */
/* flowctl(1), and flowctl-COMMAND(1) for each command. */
#include <string.h>

#include "command.h"
#include "manual.h"

static void put_page_name(FILE *f, const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), "flowctl-%s", name);
	roff_bold(f, full);
}

static void put_statuses(FILE *f)
{
	fputs(".SH EXIT STATUS\n"
	      ".TP\n.B 0\ndone\n"
	      ".TP\n.B 1\nbad input, or another failure: one line on standard error says which\n"
	      ".TP\n.B 2\nwrong usage\n",
	      f);
}

static void put_environment(FILE *f)
{
	fputs(".SH ENVIRONMENT\n.TP\n", f);
	roff_bold(f, "NO_COLOR");
	fputs("\nif it is set and not empty, output to a terminal has no colours.\n.TP\n", f);
	roff_bold(f, "TERM");
	fputs("\nif it is \\(dqdumb\\(dq, there are no colours either.\n", f);
}

static void put_groups(FILE *f, const struct program *p)
{
	for (int group = 0; group < COMMAND_GROUPS; group++) {
		bool titled = false;

		for (size_t i = 0; i < p->commands; i++) {
			if ((int)commands[i]->group != group)
				continue;
			if (!titled)
				roff_macro(f, "SS", command_group_titles[group]);
			titled = true;
			fputs(".TP\n", f);
			put_page_name(f, p->command[i].name);
			fputs("(1)\n", f);
			roff_text(f, p->command[i].summary);
		}
	}
}

static void put_common_options(FILE *f, const struct program *p)
{
	size_t common = 0;

	while (common_options[common].name)
		common++;
	fputs(".SH OPTIONS\n", f);
	roff_text(f, "Every command has these; its page has the others. Options and operands may "
		     "be mixed; everything after -- is an operand. A long option may be shortened "
		     "as long as it is unambiguous.");
	for (size_t i = p->command->options - common; i < p->command->options; i++)
		roff_option(f, &p->command->option[i]);
}

void man_flowctl(FILE *f, const char *date)
{
	const struct program *p = program_flowctl();

	roff_title(f, p->name, date);
	roff_name(f, p->name, p->summary);
	fputs(".SH SYNOPSIS\n", f);
	roff_bold(f, p->name);
	fputc(' ', f);
	roff_italic(f, "COMMAND");
	fputs(" [options] [", f);
	roff_italic(f, "OPERAND");
	fputs("...]\n.SH DESCRIPTION\n", f);
	roff_text(f, "A trace is a file of JSON lines, as flowtrace-bpf and the Python package "
		     "flowtrace_agent write them. flowctl answers questions about traces, and "
		     "instruments Python code for the package. Output is for people, with --json "
		     "for programs.");
	fputs(".SH COMMANDS\n", f);
	put_groups(f, p);
	put_common_options(f, p);
	put_statuses(f);
	put_environment(f);
	roff_examples(f, p->name);
	fputs(".SH SEE ALSO\n.BR flowtrace\\-bpf (1)", f);
	for (size_t i = 0; i < p->commands; i++)
		fprintf(f, ",\n.BR flowctl\\-%s (1)", p->command[i].name);
	fputc('\n', f);
}

void man_flowctl_command(FILE *f, const struct command_page *c, const char *date)
{
	char name[64];

	snprintf(name, sizeof(name), "flowctl-%s", c->name);
	roff_title(f, name, date);
	roff_name(f, name, c->summary);
	fputs(".SH SYNOPSIS\n", f);
	roff_bold(f, "flowctl");
	fputc(' ', f);
	roff_bold(f, c->name);
	fputs(" [options]", f);
	if (c->operands) {
		fputc(' ', f);
		roff_italic(f, c->operands);
	}
	fputs("\n.SH DESCRIPTION\n", f);
	if (c->about) {
		roff_text(f, c->about);
	} else {
		roff_text(f, c->summary);
	}
	fputs(".SH OPTIONS\n", f);
	for (size_t i = 0; i < c->options; i++)
		roff_option(f, &c->option[i]);
	put_statuses(f);
	put_environment(f);
	roff_examples(f, c->name);
	fputs(".SH SEE ALSO\n.BR flowctl (1),\n.BR flowtrace\\-bpf (1)\n", f);
}
