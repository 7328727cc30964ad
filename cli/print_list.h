/* SPDX-License-Identifier: MIT */
/* The answer of --list on standard output: a table for people, or one JSON object a line. */
#ifndef FT_PRINT_LIST_H
#define FT_PRINT_LIST_H

#include "session/list.h"

void print_list(const struct list *l, const struct config *c);
void print_list_json(const struct list *l, const struct config *c);

#endif
