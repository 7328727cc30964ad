/* SPDX-License-Identifier: MIT */
/*
 * The table of flowctl's commands: plain data, which parsing, help, suggestions, man pages and
 * completions are made from. A command is one file: its rows of options, the struct that they
 * fill, and the function that runs it; commands.c lists them.
 */
#ifndef FT_COMMAND_H
#define FT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"

/* What an option's value is, and so what its field in the command's struct is. */
enum value_kind {
	VALUE_SWITCH, /* bool; no value, true once it is given */
	VALUE_TEXT,   /* const char * */
	VALUE_NUMBER, /* uint64_t, at least min, at most max (0 = no maximum) */
	VALUE_CHOICE, /* int: the index of the word in `value`, a|b|c */
	VALUE_LIST,   /* struct words; may be given several times */
};

struct words {
	const char **word; /* owned; the texts are borrowed from argv */
	size_t count;
};

struct command_option {
	const char *name; /* --name; NULL ends a table */
	char letter;	  /* -x; 0 = none */
	enum value_kind kind;
	size_t at;	     /* offset of the field: OPTION_AT() */
	const char *value;   /* what represents the value in the help; NULL for a switch */
	const char *initial; /* the default, as it would be typed; NULL = nothing */
	const char *help;
	uint64_t min, max;
};

#define OPTION_AT(type, field) offsetof(type, field)

enum command_group { COMMANDS_READ, COMMANDS_CODE, COMMANDS_OTHER, COMMAND_GROUPS };

struct arguments;

struct command {
	const char *name;
	enum command_group group;
	const char *operands; /* as the usage line shows them: "TRACE..."; NULL = none */
	unsigned min_operands, max_operands; /* max 0: as many as there are */
	const char *summary;		     /* one line, no full stop */
	const char *about; /* what --help and the man page say; paragraphs parted by "\n\n" */
	const struct command_option *options;  /* NULL = only the common ones */
	size_t options_size;		       /* of the struct that they fill */
	int (*run)(const struct arguments *a); /* returns the exit status */
};

/* In the order of the help; NULL ends it. */
extern const struct command *const commands[];
/* What every command understands; their fields are those of struct arguments. */
extern const struct command_option common_options[];
extern const char *const command_group_titles[COMMAND_GROUPS];

/* NULL = there is none of that name. */
const struct command *command_find(const char *name);

/* A command line, taken apart. */
struct arguments {
	const struct command *command;
	void *options;	      /* owned: the command's struct, filled from its rows */
	const char **operand; /* owned array, borrowed texts */
	size_t noperands;
	bool json, help;
};

/* argv[0] is the command's name. 0, or -errno with the reason (status 2 for wrong usage). */
int arguments_parse(struct arguments *a, const struct command *c, int argc, char **argv,
		    struct why *w);
void arguments_release(struct arguments *a);

/* The next table in a walk over all rows of a command: its own, then the common ones.
 * `for (o = option_first(c); o; o = option_next(c, o))` */
const struct command_option *option_first(const struct command *c);
const struct command_option *option_next(const struct command *c, const struct command_option *o);

/* The name that `word` was probably meant to be, from those that next() gives until NULL; NULL =
 * none is near. */
const char *suggestion(const char *word, const char *(*next)(void *arg), void *arg);

/* "flowctl: why" on standard error; returns the exit status that goes with it. */
int command_fail(const struct why *w);
/* The exit status of a command that ends with err; without a reason it is for want of memory. */
int command_end(int err, struct why *w);

/* The text of `flowctl help` and of `flowctl COMMAND --help` to standard output. */
void help_print(void);
void help_print_command(const struct command *c);

#endif
