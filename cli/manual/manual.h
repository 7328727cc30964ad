/* SPDX-License-Identifier: MIT */
/*
 * Both programs as their tables of options describe them, in one form: what man pages and
 * completions are made from when the programs are built. This runs in the build, not for users.
 *
 *     user/collector/config/table.c --\
 *                                      >-- struct program --> man/x.1  bash/x  zsh/_x  fish/x.fish
 *     cli/flowctl/ *.c ---------------/
 */
#ifndef FT_MANUAL_H
#define FT_MANUAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What may be given where a value or an operand is expected, for completions. */
enum expects {
	EXPECTS_NOTHING, /* there is none */
	EXPECTS_TEXT,	 /* something that no shell can guess */
	EXPECTS_FILE,
	EXPECTS_FOLDER,
	EXPECTS_WORD,	 /* one of `words` */
	EXPECTS_PID,	 /* of a Python process; a comma list */
	EXPECTS_COMMAND, /* of flowctl */
	EXPECTS_PROGRAM, /* after --: any program with its arguments */
};

/* Texts are borrowed from the tables. */
struct option {
	const char *name, *value, *help, *initial, *words; /* words: a|b|c */
	char letter;
	enum expects expects;
	bool on, off; /* people write --name, --no-name */
	bool can_be_off;
	uint64_t max;		       /* of a limit, where 0 is the most; else 0 */
	const char *env, *alias, *key; /* variable, its second name, key of the file; NULL = none */
	int group;
};

struct command_page {
	const char *name;    /* NULL: the program itself */
	const char *summary; /* NULL for a program */
	const char *operands, *about;
	enum expects expects; /* of the operands */
	struct option *option;
	size_t options;
};

struct program {
	const char *name, *summary;
	struct command_page *command; /* one without a name: the program has no commands */
	size_t commands;
};

/* Made once, never freed: the generator ends soon. */
const struct program *program_flowtrace_bpf(void);
const struct program *program_flowctl(void);

/* ---- man pages: man(7) -------------------------------------------------------------- */

/* Running text: a blank line begins a paragraph, options are set in bold. */
void roff_text(FILE *f, const char *text);
/* A macro with words that may hold anything. */
void roff_macro(FILE *f, const char *macro, const char *text);
void roff_bold(FILE *f, const char *text);
void roff_italic(FILE *f, const char *text);
/* .TH, for the page that was built on `date`. */
void roff_title(FILE *f, const char *name, const char *date);
/* NAME, in the form that whatis(1) reads. */
void roff_name(FILE *f, const char *name, const char *summary);
/* .TP with the flags, then what the option does and where else it can be set. */
void roff_option(FILE *f, const struct option *o);

/* An example: what it does, and the command as it is typed. */
struct example {
	const char *name; /* the page: "flowtrace-bpf", "stats" */
	const char *command, *what;
};

extern const struct example examples[]; /* command NULL ends it */
void roff_examples(FILE *f, const char *name);
/* Does flowctl take every one of its own as it is typed? Says which it does not. */
bool examples_hold(void);

void man_flowtrace_bpf(FILE *f, const char *date);
void man_flowctl(FILE *f, const char *date);
void man_flowctl_command(FILE *f, const struct command_page *c, const char *date);

/* ---- completions ----------------------------------------------------------------------- */

/* Calls fn with each of a|b|c. */
void each_word(const char *words, void (*fn)(void *arg, const char *word, size_t len), void *arg);

void bash_completion(FILE *f, const struct program *p);
void zsh_completion(FILE *f, const struct program *p);
void fish_completion(FILE *f, const struct program *p);

#endif
