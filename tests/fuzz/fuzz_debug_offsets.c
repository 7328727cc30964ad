/* SPDX-License-Identifier: MIT */
/* The first byte chooses the release, the rest is its _PyRuntime. */
#include <stdlib.h>

#include "cost.h"
#include "cpython/debug_offsets.h"
#include "cpython/facts.h"
#include "fuzz.h"

#define FIRST_MINOR 13
#define RELEASES 3
#define LARGEST 4096

/* What was accepted is an offset inside an object, whatever was said. */
static void check(const struct ft_layout *l)
{
#define X(group, member, field, align, ...)                                                        \
	if (l->field != FT_NO_FIELD && (l->field > LARGEST || l->field % align))                   \
		abort();
	DEBUG_OFFSETS(X)
	DEBUG_SIZES(X)
#undef X
}

int fuzz_debug_offsets(const uint8_t *data, size_t size)
{
	const struct cpython_facts *facts;
	struct target t = {.binary = "python", .major = 3, .micro = -1};
	struct ft_layout l;
	double began_ms = cost_now_ms();
	struct why w = {0};
	int err;

	if (!size)
		return 0;
	t.minor = FIRST_MINOR + data[0] % RELEASES;
	facts = cpython_facts_of(t.minor);
	l = facts->layout;
	err = debug_offsets_parse(data + 1, size - 1, &t, &facts->debug, &l, &w);
	if (cost_now_ms() - began_ms > 50) /* it reads some hundred words */
		abort();
	if (err) {
		if (w.exit_status != EXIT_PYTHON)
			abort();
		return 0;
	}
	check(&l);
	return 0;
}
