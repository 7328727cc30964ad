/* SPDX-License-Identifier: MIT */
/*
 * Which functions are wanted. With prefixes: the module's dotted name starts with one of
 * them (text prefix) and with none of the excluded ones. Without: everything but the
 * standard library (whole top-level names, and its directory) and files under
 * site-packages or dist-packages. A prefix that the user gives wins over the built-in
 * lists; an excluded prefix wins over everything.
 */
#ifndef FT_FILTER_H
#define FT_FILTER_H

#include "model/event.h"

struct filter;
int filter_new(const char *const *prefix, size_t nprefix, const char *const *exclude,
	       size_t nexclude, struct filter **ret_filter);
void filter_free(struct filter *f);
/* Of all these only functions whose name, or qualified name, one of the patterns matches. Borrowed;
 * n 0 = all. */
void filter_functions(struct filter *f, char *const *pattern, size_t n);
/* In a replay: what the prefixes here leave out is left out too where a function has a policy of
 * its own. */
void filter_narrow(struct filter *f);
/* By the function's policy, else by the prefixes here. Decides once per function and remembers it
 * in fn->verdict. */
bool filter_keep(struct filter *f, struct function *fn);

#endif
