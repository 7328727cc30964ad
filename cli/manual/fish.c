/* SPDX-License-Identifier: MIT */
/* Completions for fish: a line for each option. */
#include <ctype.h>
#include <string.h>

#include "manual.h"

/* In single quotes fish gives a meaning to \ and ' only. */
static void put_quoted(FILE *f, const char *text)
{
	fputc('\'', f);
	for (; *text; text++) {
		if (*text == '\\' || *text == '\'')
			fputc('\\', f);
		fputc(*text, f);
	}
	fputc('\'', f);
}

static void put_function(FILE *f, const struct program *p, const char *suffix)
{
	fputs("__", f);
	for (const char *c = p->name; *c; c++)
		fputc(isalnum((unsigned char)*c) ? *c : '_', f);
	fputs(suffix, f);
}

static void put_word(void *arg, const char *word, size_t len)
{
	fprintf(arg, "%.*s ", (int)len, word);
}

static void put_pids(FILE *f, const struct program *p)
{
	fputs("function ", f);
	put_function(f, p, "_pids\n");
	fputs("\tset -l before (string match -r '^.*,' -- (commandline -ct))\n"
	      "\tfor dir in (string match -r '^/proc/[0-9]+$' -- /proc/*)\n"
	      "\t\tset -l name (readlink $dir/exe 2>/dev/null; or cat $dir/comm 2>/dev/null)\n"
	      "\t\tstring match -qr '^(.*/)?[Pp]ython[^/]*$' -- $name; or continue\n"
	      "\t\tset -l line (cat $dir/cmdline 2>/dev/null | tr '\\0[:cntrl:]' ' ')\n"
	      "\t\tprintf '%s%s\\t%s\\n' \"$before\" (string replace /proc/ '' -- $dir) "
	      "\"$line\"\n"
	      "\tend\n"
	      "end\n\n",
	      f);
}

static void put_start(FILE *f, const struct program *p, const struct command_page *c)
{
	fprintf(f, "complete -c %s", p->name);
	if (c->name)
		fprintf(f, " -n '__fish_seen_subcommand_from %s'", c->name);
	else
		fputs(" -n 'not contains -- -- (commandline -opc)'", f);
}

static void put_value(FILE *f, const struct program *p, const struct option *o)
{
	switch (o->expects) {
	case EXPECTS_NOTHING:
		break;
	case EXPECTS_WORD:
		fputs(" -x -a '", f);
		each_word(o->words, put_word, f);
		fputc('\'', f);
		break;
	case EXPECTS_PID:
		fputs(" -x -a '(", f);
		put_function(f, p, "_pids)'");
		break;
	case EXPECTS_FILE:
		fputs(" -r -F", f);
		break;
	case EXPECTS_FOLDER:
		fputs(" -x -a '(__fish_complete_directories)'", f);
		break;
	default:
		fputs(" -x", f);
	}
	fputs(" -d ", f);
	put_quoted(f, o->help);
	fputc('\n', f);
}

static void put_option(FILE *f, const struct program *p, const struct command_page *c,
		       const struct option *o)
{
	if (o->on || o->letter) {
		put_start(f, p, c);
		if (o->letter)
			fprintf(f, " -s %c", o->letter);
		if (o->on)
			fprintf(f, " -l %s", o->name);
		put_value(f, p, o);
	}
	if (o->off) {
		put_start(f, p, c);
		fprintf(f, " -l no-%s", o->name);
		put_value(f, p, o);
	}
}

static void put_operands(FILE *f, const struct program *p, const struct command_page *c)
{
	if (c->expects == EXPECTS_FILE) {
		put_start(f, p, c);
		fputs(" -F\n", f);
	} else if (c->expects == EXPECTS_FOLDER) {
		put_start(f, p, c);
		fputs(" -a '(__fish_complete_directories)'\n", f);
	} else if (c->expects == EXPECTS_COMMAND) {
		put_start(f, p, c);
		fputs(" -a '", f);
		for (size_t i = 0; i < p->commands; i++)
			fprintf(f, "%s ", p->command[i].name);
		fputs("'\n", f);
	} else if (c->expects == EXPECTS_PROGRAM) {
		fprintf(f,
			"complete -c %s -n 'contains -- -- (commandline -opc)' -x -a "
			"'(__fish_complete_subcommand --commandline "
			"(string match -r -- \"(?<= -- ).*\" (commandline -cp)))'\n",
			p->name);
	}
}

void fish_completion(FILE *f, const struct program *p)
{
	fprintf(f, "# fish completion of %s, made from its table of options\n\n", p->name);
	put_pids(f, p);
	fprintf(f, "complete -c %s -f\n", p->name);
	for (size_t i = 0; i < p->commands; i++) {
		const struct command_page *c = &p->command[i];

		if (c->name) {
			fprintf(f, "complete -c %s -n __fish_use_subcommand -a %s -d ", p->name,
				c->name);
			put_quoted(f, c->summary);
			fputc('\n', f);
		}
		put_operands(f, p, c);
		for (size_t k = 0; k < c->options; k++)
			put_option(f, p, c, &c->option[k]);
	}
}
