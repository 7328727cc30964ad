/* SPDX-License-Identifier: MIT */
#include "base/runtime_kind.h"

const struct runtime_kind runtime_kinds[FT_RUNTIME_COUNT] = {
#define N(name) #name,
#define X(kind, event, timed, option, variable, help, numbers)                                     \
	[FT_RUNTIME_##kind] = {event, timed, {numbers}},
	FT_RUNTIME_EVENTS(X, N)
#undef X
#undef N
};
