/* SPDX-License-Identifier: MIT */
/*
 * Completions for bash alone: they work without the package bash-completion too. bash parts words
 * at '=', so --name=value arrives as three.
 */
#include <ctype.h>
#include <string.h>

#include "manual.h"

/* flowtrace-bpf -> _flowtrace_bpf */
static void put_function(FILE *f, const struct program *p, const char *suffix)
{
	fputc('_', f);
	for (const char *c = p->name; *c; c++)
		fputc(isalnum((unsigned char)*c) ? *c : '_', f);
	fputs(suffix, f);
}

static void put_word(void *arg, const char *word, size_t len)
{
	fprintf(arg, " %.*s", (int)len, word);
}

static void put_pids(FILE *f, const struct program *p)
{
	/* The name that the kernel has is that of a script's interpreter, or what a master such as
	 * gunicorn called itself: then the program tells. */
	fputs("# Processes that run a Python, the last of a comma list.\n", f);
	put_function(f, p, "_pids()\n");
	fputs("{\n"
	      "\tlocal dir pid name\n"
	      "\tfor dir in /proc/[0-9]*; do\n"
	      "\t\tname=$(readlink \"$dir/exe\" 2>/dev/null) ||\n"
	      "\t\t\tread -r name 2>/dev/null <\"$dir/comm\" || continue\n"
	      "\t\tpid=${dir##*/}\n"
	      "\t\t[[ ${name##*/} == [Pp]ython* ]] && echo \"$1$pid\"\n"
	      "\tdone\n"
	      "}\n\n",
	      f);
}

static void put_flags(FILE *f, const struct option *o)
{
	if (o->letter)
		fprintf(f, "-%c|", o->letter);
	fprintf(f, "--%s)", o->name);
}

/* A branch for each option that takes a value, by what is expected there. */
static void put_values(FILE *f, const struct program *p, const struct command_page *c)
{
	fputs("\t\tcase $before in\n", f);
	for (size_t i = 0; i < c->options; i++) {
		const struct option *o = &c->option[i];

		if (o->expects == EXPECTS_NOTHING)
			continue;
		fputs("\t\t", f);
		put_flags(f, o);
		if (o->expects == EXPECTS_WORD) {
			fputs(" words=\"", f);
			each_word(o->words, put_word, f);
			fputs("\" ;;\n", f);
		} else if (o->expects == EXPECTS_PID) {
			fputs(" list=${current%\"${current##*,}\"}; words=$(", f);
			put_function(f, p, "_pids");
			fputs(" \"$list\") ;;\n", f);
		} else if (o->expects == EXPECTS_FILE) {
			fputs(" actions=\"-f -o plusdirs\" ;;\n", f);
		} else if (o->expects == EXPECTS_FOLDER) {
			fputs(" actions=\"-d\" ;;\n", f);
		} else {
			fputs(" ;;\n", f); /* cannot be known */
		}
	}
	fputs("\t\t*) false ;;\n\t\tesac || {\n", f);
}

static void put_options(FILE *f, const struct command_page *c)
{
	fputs("\t\tif [[ $current == -* ]]; then\n\t\t\twords=\"", f);
	for (size_t i = 0; i < c->options; i++) {
		if (c->option[i].on)
			fprintf(f, " --%s", c->option[i].name);
		if (c->option[i].off)
			fprintf(f, " --no-%s", c->option[i].name);
	}
	fputs("\"\n", f);
}

static void put_operands(FILE *f, const struct program *p, const struct command_page *c)
{
	switch (c->expects) {
	case EXPECTS_FILE:
		fputs("\t\telse\n\t\t\tactions=\"-f -o plusdirs\"\n", f);
		break;
	case EXPECTS_FOLDER:
		fputs("\t\telse\n\t\t\tactions=\"-d\"\n", f);
		break;
	case EXPECTS_COMMAND:
		fputs("\t\telse\n\t\t\twords=\"", f);
		for (size_t i = 0; i < p->commands; i++)
			fprintf(f, " %s", p->command[i].name);
		fputs("\"\n", f);
		break;
	default:
		break;
	}
	fputs("\t\tfi\n\t\t}\n", f);
}

static void put_command(FILE *f, const struct program *p, const struct command_page *c)
{
	put_values(f, p, c);
	put_options(f, c);
	put_operands(f, p, c);
}

/* What is in front of the cursor; the same for both programs. */
static void put_beginning(FILE *f)
{
	fputs("\tlocal current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tlocal words=\"\" actions=\"\" list i\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $current == = ]]; then\n"
	      "\t\tcurrent=\n"
	      "\telif [[ $before == = ]] && ((COMP_CWORD > 1)); then\n"
	      "\t\tbefore=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\tfi\n",
	      f);
}

static void put_end(FILE *f)
{
	fputs("\tif [[ $actions ]]; then\n"
	      "\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen $actions -- \"$current\")\n"
	      "\telse\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	      "\tfi\n"
	      "}\n\n",
	      f);
}

/* After -- comes a program with its own arguments. */
static void put_program_behind_dashes(FILE *f)
{
	fputs("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	      "\t\tif ((i == COMP_CWORD - 1)); then\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -c -- \"$current\" | sort -u)\n"
	      "\t\telse\n"
	      "\t\t\tcompopt -o filenames 2>/dev/null\n"
	      "\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	      "\t\tfi\n"
	      "\t\treturn\n"
	      "\tdone\n",
	      f);
}

static void put_commands(FILE *f, const struct program *p)
{
	fputs("\tif ((COMP_CWORD == 1)); then\n\t\twords=\"", f);
	for (size_t i = 0; i < p->commands; i++)
		fprintf(f, " %s", p->command[i].name);
	fputs(" --help --version\"\n\telse\n\t\tcase ${COMP_WORDS[1]} in\n", f);
	for (size_t i = 0; i < p->commands; i++) {
		fprintf(f, "\t\t%s)\n", p->command[i].name);
		put_command(f, p, &p->command[i]);
		fputs("\t\t;;\n", f);
	}
	fputs("\t\tesac\n\tfi\n", f);
}

static bool has_pids(const struct program *p)
{
	for (size_t i = 0; i < p->commands; i++)
		for (size_t k = 0; k < p->command[i].options; k++)
			if (p->command[i].option[k].expects == EXPECTS_PID)
				return true;
	return false;
}

void bash_completion(FILE *f, const struct program *p)
{
	fprintf(f, "# bash completion of %s, made from its table of options\n\n", p->name);
	if (has_pids(p))
		put_pids(f, p);
	put_function(f, p, "()\n{\n");
	put_beginning(f);
	if (p->command->name) {
		put_commands(f, p);
	} else {
		put_program_behind_dashes(f);
		put_command(f, p, p->command);
	}
	put_end(f);
	fputs("complete -F ", f);
	put_function(f, p, " ");
	fprintf(f, "%s\n", p->name);
}
