/* SPDX-License-Identifier: MIT */
/*
 * Does a dotted module name belong to Python's standard library, by its first component?
 */
#ifndef FT_STDLIB_H
#define FT_STDLIB_H

#include <stdbool.h>

bool stdlib_has(const char *module);

#endif
