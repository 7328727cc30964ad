/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share: reading the layers into a struct config.
 *
 *     defaults < file (-c FILE) < FLOWTRACE_ variables < command line
 *
 * Every layer turns its values into text and hands them to option_set(), so a rule about a value is
 * in one place. A layer replaces the value of a lower one; within a layer a list grows.
 */
#ifndef FT_CONFIG_PARSER_H
#define FT_CONFIG_PARSER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/why.h"
#include "config.h"
#include "config/table.h"

struct json_object;

enum layer { LAYER_DEFAULT, LAYER_FILE, LAYER_ENV, LAYER_COMMAND_LINE };

struct parser {
	struct config *c;
	struct why *w;
	enum layer layer;
	enum layer set_by[OPTIONS_MAX]; /* the layer that a row's value comes from */
	enum layer targets_by;
	char where[PATH_MAX +
		   64]; /* what the user wrote: "--pid", "FLOWTRACE_PID", "f.json: pid" */
};

/* One option of the command line. */
struct given {
	const struct option_row *row;
	bool off; /* --no-x */
	const char *text;
};

/* parser.c */

/* "where: text" into w, with exit status 2; returns -EINVAL. */
int parser_wrong(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int parser_no_memory(struct parser *p);
/* A layer sets this option for the first time: values of lower layers no longer count. */
void option_begin(struct parser *p, const struct option_row *o);

/* values.c */

/* Back to "not set", so that a layer replaces the value of a lower one. */
void option_clear(struct config *c, const struct option_row *o);
/* The one place where a text becomes a value. off: the option was written no-x. */
int option_set(struct parser *p, const struct option_row *o, bool off, const char *text);

/* numbers.c: a text to one number; errors go through parser_wrong(). */

int parse_number(struct parser *p, const char *text, uint64_t max, uint64_t *ret_value);
/* 0 is the maximum of the row. */
int parse_limit(struct parser *p, const struct option_row *o, const char *text, unsigned *ret);
int parse_seconds(struct parser *p, const char *text, double *ret);
/* Rounds up to a power of two, at least one page. */
int parse_size(struct parser *p, const struct option_row *o, const char *text, uint64_t *ret);
int parse_rotate(struct parser *p, const char *text, struct rotate *ret);
/* false = text is not a word for true or false */
bool parse_truth(const char *text, bool *ret);

/* lists.c */

void strings_release(struct strings *s);
/* Adds the elements of another list of that option, each once. */
int list_join(struct parser *p, const struct option_row *o, const struct strings *more);
/* "a, b,,c": blanks around elements and empty elements do not count. */
int list_add(struct parser *p, const struct option_row *o, const char *text);

/* rules.c */

/* The key "rules" of the file, into p->c->rules. */
int rules_read(struct parser *p, const char *path, struct json_object *value);
/* What a rule does not say is as in c. */
int rules_complete(const struct config *c, struct rules *r);

/* file.c, layers.c */

int config_file_read(struct parser *p, const char *path);
/* The object in the file, to be put. */
int config_file_parse(const char *path, struct json_object **ret_object, struct why *w);
/* Sets the option to a value of the file. */
int config_file_set(struct parser *p, const struct option_row *o, bool off,
		    struct json_object *value);
int layers_read_defaults(struct parser *p);
/* All four, from the lowest to the highest. */
int layers_read(struct parser *p, const struct given *given, size_t count);

/* command_line.c */

/* Splits argv into options (ret_given has room for argc) and the command after --. */
int command_line_split(int argc, char **argv, struct given *ret_given, size_t *ret_count,
		       char ***ret_command, struct why *w);

/* combinations.c */

int refuse_combinations(const struct config *c, struct why *w);

#endif
