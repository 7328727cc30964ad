/* SPDX-License-Identifier: MIT */
/*
 * What the commands that take Python files share: operands to files, and what cannot be handled to
 * one line each on standard error, so that the others are done.
 */
#ifndef FT_SOURCE_FILES_H
#define FT_SOURCE_FILES_H

#include <json-c/json.h>

#include "command.h"
#include "source/files.h"

/* Starts the interpreter and finds the files of the operands. *ret_status becomes EXIT_OTHER for
 * operands that could not be read; only without an interpreter there is nothing to do: -errno. */
int source_files_open(struct files *f, const struct arguments *a, int *ret_status);
void source_files_close(struct files *f);

/* "flowctl: path: why". */
void source_file_fail(const char *path, const struct why *w);

/* Text from the file system as JSON, whatever bytes it has; NULL is null. */
struct json_object *source_text(const char *text);
void source_add_text(struct json_object *o, const char *key, const char *text);
void source_add_number(struct json_object *o, const char *key, size_t n);
void source_add_bool(struct json_object *o, const char *key, bool b);
/* One line on standard output; releases it. */
void source_print_json(struct json_object *o);

#endif
