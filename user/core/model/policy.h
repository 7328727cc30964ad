/* SPDX-License-Identifier: MIT */
/*
 * What is asked for of a process: which functions, and how much of their values. It never changes;
 * a process may get another one. NULL, where one is referred to, is that of the run's own settings.
 */
#ifndef FT_POLICY_H
#define FT_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much of a value is kept. */
struct capture {
	unsigned max_arg_length; /* characters of a rendered field */
	bool args, result;	 /* are values captured at all? */
};

struct policy {
	uint32_t number;	  /* of FT_REC_POLICY; 0: that of the run's own settings */
	char **prefix, **exclude; /* owned: module prefixes */
	size_t nprefix, nexclude;
	struct capture capture;
	unsigned max_depth, max_items;
	unsigned sample;     /* one root call or request of that many; 0 = all */
	unsigned call_depth; /* calls with fewer traced calls above them; 0 = all */
	unsigned rate;	     /* calls a second and function; 0 = all */
};

/* to owns its lists. -ENOMEM: there is nothing in it. */
int policy_copy(const struct policy *from, struct policy *to);
void policy_release(struct policy *p);
/* Everything but the number. */
bool policy_same(const struct policy *a, const struct policy *b);

#endif
