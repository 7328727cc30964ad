/* SPDX-License-Identifier: MIT */
/*
 * Is a dotted module name part of Python's standard library, by its first component?
 */
#ifndef FT_STDLIB_H
#define FT_STDLIB_H

#include <stdbool.h>

bool stdlib_has(const char *module);

#endif
