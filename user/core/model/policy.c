/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/policy.h"

static void list_release(char **list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

static char **list_copy(char *const *list, size_t n, size_t *ret_n)
{
	char **copy = calloc(n + 1, sizeof(*copy));

	for (*ret_n = 0; copy && *ret_n < n; ++*ret_n) {
		copy[*ret_n] = strdup(list[*ret_n]);
		if (!copy[*ret_n])
			break;
	}
	return copy;
}

void policy_release(struct policy *p)
{
	list_release(p->prefix, p->nprefix);
	list_release(p->exclude, p->nexclude);
	*p = (struct policy){};
}

int policy_copy(const struct policy *from, struct policy *to)
{
	*to = *from;
	to->prefix = list_copy(from->prefix, from->nprefix, &to->nprefix);
	to->exclude = list_copy(from->exclude, from->nexclude, &to->nexclude);
	if (to->prefix && to->exclude && to->nprefix == from->nprefix &&
	    to->nexclude == from->nexclude)
		return 0;
	policy_release(to);
	return -ENOMEM;
}

static bool list_same(char *const *a, size_t na, char *const *b, size_t nb)
{
	for (size_t i = 0; na == nb && i < na; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return na == nb;
}

bool policy_same(const struct policy *a, const struct policy *b)
{
	return list_same(a->prefix, a->nprefix, b->prefix, b->nprefix) &&
	       list_same(a->exclude, a->nexclude, b->exclude, b->nexclude) &&
	       a->capture.max_arg_length == b->capture.max_arg_length &&
	       a->capture.args == b->capture.args && a->capture.result == b->capture.result &&
	       a->max_depth == b->max_depth && a->max_items == b->max_items &&
	       a->sample == b->sample && a->call_depth == b->call_depth && a->rate == b->rate;
}
