/* SPDX-License-Identifier: MIT */
/*
 * What the commands that take Python files share: operands to files, and what cannot be handled to
 * one line each on standard error, so that the others are done.
 */
#ifndef FT_SOURCE_FILES_H
#define FT_SOURCE_FILES_H

#include "command.h"
#include "source/files.h"

/* Starts the interpreter and finds the files of the operands. *ret_status becomes EXIT_OTHER for
 * operands that could not be read; only without an interpreter there is nothing to do: -errno. */
int source_files_open(struct files *f, const struct arguments *a, int *ret_status);
void source_files_close(struct files *f);

/* "flowctl: path: why". */
void source_file_fail(const char *path, const struct why *w);

#endif
