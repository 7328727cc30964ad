/* SPDX-License-Identifier: MIT */
/*
 * The one table of options. A row gives the flag, the FLOWTRACE_ variable, the key of the
 * configuration file, the default and the help text, and says which field of struct config
 * holds the value and of what kind it is.
 */
#ifndef FT_CONFIG_TABLE_H
#define FT_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

enum option_kind {
	KIND_SWITCH,  /* bool; --x and --no-x */
	KIND_MAYBE,   /* int: -1 not said, 0, 1; --x and --no-x */
	KIND_COUNT,   /* int; each -v adds one */
	KIND_LIMIT,   /* unsigned; 0 = max */
	KIND_NUMBER,  /* uint64_t */
	KIND_SECONDS, /* double */
	KIND_SIZE,    /* uint64_t, 512K, 16M, 1G */
	KIND_ROTATE,  /* struct rotate: 100M, 1h */
	KIND_TEXT,    /* char * */
	KIND_CHOICE,  /* char *, one of the words of `value` */
	KIND_LIST,    /* struct strings; at most max elements of max_len bytes, 0 = any */
	KIND_PIDS,    /* pids, npids */
};

enum option_group { GROUP_TARGET, GROUP_WHAT, GROUP_VALUES, GROUP_OUTPUT, GROUP_RUN, GROUP_COUNT };

enum option_flags {
	FLAG_TARGET = 1,     /* excludes the other targets, across layers */
	FLAG_NO_FILE = 2,    /* not a key of the configuration file */
	FLAG_NO_ENV = 4,     /* has no variable */
	FLAG_SHOW_OFF = 8,   /* people use --no-x: that is what the help shows */
	FLAG_SHOW_BOTH = 16, /* show --x, --no-x */
	FLAG_PLAIN = 32,     /* module names: no wildcards */
	FLAG_OF_ALL = 64,    /* a list that chooses among the processes of --all */
	FLAG_CHOOSES = 128,  /* ... a pattern of a rule too */
	FLAG_RULE = 256,     /* a key of a rule */
	FLAG_CAPTURE = 512,  /* a key of a rule's "capture" */
};

struct option_row {
	const char *name; /* long option and key of the file */
	char letter;
	const char *env;   /* variable; switches also have FLOWTRACE_NO_X */
	const char *alias; /* a second name of it, the one FlowTrace's agents use */
	enum option_kind kind;
	size_t at;	     /* offset in struct config */
	const char *initial; /* the default, as text; NULL = unset */
	enum option_group group;
	unsigned flags;
	const char *value; /* the placeholder of the value in the help */
	const char *needs; /* of a text: what an empty one lacks; NULL = the name of a file */
	const char *help;
	uint64_t max;
	size_t max_len;
};

#define AT(field) offsetof(struct config, field)

#define OPTIONS_MAX 64 /* size of arrays with an element per row */

extern const struct option_row option_rows[];
extern const size_t option_count;
extern const char *const option_group_titles[GROUP_COUNT];

/* What the exit statuses mean; NULL ends it. */
struct exit_row {
	int status;
	const char *help;
};

extern const struct exit_row exit_rows[];

/* Does it take no value, and has --no-x? */
bool option_is_switch(const struct option_row *o);
void *option_field(struct config *c, const struct option_row *o);
/* The row that a key of the file names; NULL = none. ret_off: it said no-x. */
const struct option_row *option_of_key(const char *key, bool *ret_off);

#endif
