/* SPDX-License-Identifier: MIT */
/*
 * Patterns of names: * is any text, ? one character, \ takes the next as it is. Brackets are
 * nothing special, since <listcomp> and [1, 2] are things to look for.
 */
#ifndef FT_TRACE_GLOB_H
#define FT_TRACE_GLOB_H

#include <stdbool.h>
#include <stddef.h>

/* Does it match all of the text? Takes len * pattern_len steps at most. */
bool glob_matches(const char *pattern, size_t pattern_len, const char *s, size_t len);
/* Is there anything in it that is not just itself? */
bool glob_is_one(const char *pattern, size_t len);

#endif
