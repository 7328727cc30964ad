/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "model/policy.h"

static void list_release(char **list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

void policy_release(struct policy *p)
{
	list_release(p->prefix, p->nprefix);
	list_release(p->exclude, p->nexclude);
	*p = (struct policy){};
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
	       a->max_depth == b->max_depth && a->max_items == b->max_items;
}
