/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions as Python and Perl have them, by PCRE2. A search that takes too long is
 * given up, and counted.
 */
#ifndef FT_TRACE_REGEX_H
#define FT_TRACE_REGEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct trace_regex; /* opaque */

struct trace_regex_fault {
	char text[128];
	size_t at; /* byte of the pattern */
};

enum { TRACE_REGEX_IGNORE_CASE = 1, TRACE_REGEX_LITERAL = 2 };

/* 0, -ENOMEM, or -EINVAL with ret_fault. */
int trace_regex_new(const char *pattern, size_t len, unsigned how, struct trace_regex **ret_regex,
		    struct trace_regex_fault *ret_fault);
void trace_regex_free(struct trace_regex *r);
/* Anywhere in the text. */
bool trace_regex_matches(struct trace_regex *r, const char *s, size_t len);
/* How many searches were given up: the text was taken for no match. */
uint64_t trace_regex_given_up(const struct trace_regex *r);

#endif
