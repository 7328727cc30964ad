/* SPDX-License-Identifier: MIT */
/*
 * Completions for zsh: rows for its _arguments. A row is in single quotes; in it \, :, [ and ]
 * have a meaning.
 */
#include <ctype.h>
#include <string.h>

#include "manual.h"

static void put_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\:[]", *text))
			fputc('\\', f);
		if (*text == '\'')
			fputs("'\\''", f);
		else
			fputc(*text, f);
	}
}

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

/* ":what:how to find it" */
static void put_value(FILE *f, const struct program *p, const struct option *o)
{
	if (o->expects == EXPECTS_NOTHING)
		return;
	fputc(':', f);
	put_text(f, o->value);
	fputc(':', f);
	if (o->expects == EXPECTS_WORD) {
		fputc('(', f);
		each_word(o->words, put_word, f);
		fputs(" )", f);
	} else if (o->expects == EXPECTS_PID) {
		put_function(f, p, "_pids");
	} else if (o->expects == EXPECTS_FILE) {
		fputs("_files", f);
	} else if (o->expects == EXPECTS_FOLDER) {
		fputs("_files -/", f);
	}
}

static void put_flag(FILE *f, const struct program *p, const struct option *o, const char *flag,
		     bool takes_value)
{
	fprintf(f, "\t\t'*%s%s[", flag, !takes_value ? "" : flag[1] == '-' ? "=" : "+");
	put_text(f, o->help);
	fputc(']', f);
	if (takes_value)
		put_value(f, p, o);
	fputs("' \\\n", f);
}

static void put_option(FILE *f, const struct program *p, const struct option *o)
{
	bool takes_value = o->expects != EXPECTS_NOTHING;
	char flag[96];

	if (o->letter) {
		snprintf(flag, sizeof(flag), "-%c", o->letter);
		put_flag(f, p, o, flag, takes_value);
	}
	if (o->on) {
		snprintf(flag, sizeof(flag), "--%s", o->name);
		put_flag(f, p, o, flag, takes_value);
	}
	if (o->off) {
		snprintf(flag, sizeof(flag), "--no-%s", o->name);
		put_flag(f, p, o, flag, false);
	}
}

static void put_arguments(FILE *f, const struct program *p, const struct command_page *c)
{
	fputs("\t\t_arguments -s -S : \\\n", f);
	for (size_t i = 0; i < c->options; i++)
		put_option(f, p, &c->option[i]);
	switch (c->expects) {
	case EXPECTS_FILE:
		fputs("\t\t'*:file:_files'\n", f);
		break;
	case EXPECTS_FOLDER:
		fputs("\t\t'*:folder:_files -/'\n", f);
		break;
	case EXPECTS_COMMAND:
		fputs("\t\t'1:command:(", f);
		for (size_t i = 0; i < p->commands; i++)
			fprintf(f, " %s", p->command[i].name);
		fputs(" )'\n", f);
		break;
	case EXPECTS_PROGRAM:
		fputs("\t\t'*:::program:_normal'\n", f);
		break;
	default:
		fputs("\n", f); /* the last row ended in a backslash */
		break;
	}
}

static void put_pids(FILE *f, const struct program *p)
{
	put_function(f, p, "_pids() {\n");
	fputs("\tlocal dir name pid\n"
	      "\tlocal -a found\n"
	      "\tfor dir in /proc/<->(N/); do\n"
	      "\t\tname=$(readlink $dir/exe 2>/dev/null) ||\n"
	      "\t\t\t{ read -r name <$dir/comm } 2>/dev/null || continue\n"
	      "\t\t[[ ${name:t} == [Pp]ython* ]] || continue\n"
	      "\t\tpid=${dir:t}\n"
	      "\t\tfound+=(\"$pid:$(cat $dir/cmdline 2>/dev/null | tr '\\0' ' ')\")\n"
	      "\tdone\n"
	      "\tcompset -P '*,'\n"
	      "\t_describe -t processes 'Python process' found\n"
	      "}\n\n",
	      f);
}

static void put_commands(FILE *f, const struct program *p)
{
	fputs("\tlocal -a commands\n\tcommands=(\n", f);
	for (size_t i = 0; i < p->commands; i++) {
		fprintf(f, "\t\t'%s:", p->command[i].name);
		put_text(f, p->command[i].summary);
		fputs("'\n", f);
	}
	fputs("\t)\n"
	      "\tif ((CURRENT == 2)); then\n"
	      "\t\t_describe -t commands 'command' commands\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tlocal command=$words[2]\n"
	      "\tshift words\n"
	      "\t((CURRENT--))\n"
	      "\tcase $command in\n",
	      f);
	for (size_t i = 0; i < p->commands; i++) {
		fprintf(f, "\t%s)\n", p->command[i].name);
		put_arguments(f, p, &p->command[i]);
		fputs("\t\t;;\n", f);
	}
	fputs("\tesac\n", f);
}

void zsh_completion(FILE *f, const struct program *p)
{
	fprintf(f, "#compdef %s\n# zsh completion, made from the table of options\n\n", p->name);
	put_pids(f, p);
	put_function(f, p, "() {\n");
	if (p->command->name)
		put_commands(f, p);
	else
		put_arguments(f, p, p->command);
	fputs("}\n\n", f);
	put_function(f, p, " \"$@\"\n");
}
