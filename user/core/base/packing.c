/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/packing.h"

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && !strcmp(name + len - end, suffix);
}

const struct packing *packing_of(const struct packing *const *list, const char *name)
{
	for (; list && *list; list++)
		if (ends_in(name, (*list)->suffix))
			return *list;
	return NULL;
}
