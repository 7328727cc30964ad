/* SPDX-License-Identifier: MIT */
/* The answer of --check on standard output: for people, or one JSON object a line. */
#ifndef FT_PRINT_CHECK_H
#define FT_PRINT_CHECK_H

#include "session/check.h"

void print_check(const struct check *k);
void print_check_json(const struct check *k);

#endif
