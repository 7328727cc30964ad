/* SPDX-License-Identifier: MIT */
/* The kinds of runtime events, as the table of ft_runtime.h has them. */
#ifndef FT_RUNTIME_KIND_H
#define FT_RUNTIME_KIND_H

#include <stdbool.h>

#include "ft_runtime.h"

struct runtime_kind {
	const char *event;		       /* as in a line */
	bool timed;			       /* it has a duration */
	const char *number[FT_RUNTIME_VALUES]; /* names, as in a line; NULL = there are no more */
};

extern const struct runtime_kind runtime_kinds[FT_RUNTIME_COUNT]; /* by enum ft_runtime */

#endif
