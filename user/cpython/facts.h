/* SPDX-License-Identifier: MIT */
/*
 * Everything that differs from one CPython release to the next, as one row of data a
 * release. The rest of cpython/ asks the row and compares no versions. A new release that
 * has no _Py_DebugOffsets is a new row here and a row in the live tests.
 */
#ifndef FT_FACTS_H
#define FT_FACTS_H

#include "base/why.h"
#include "ft_layout.h"
#include "model/hooks.h"
#include "model/target.h"

#define FACTS_MAX_OPCODES 6

/* An opcode whose handler is a hook site. */
struct opcode_hook {
	enum hook_role role;
	uint8_t opcode;
	const char *name; /* NULL ends the list */
};

struct cpython_facts {
	int minor; /* of Python 3 */
	/* Opcode numbers that this release does not define ("0,7-8"): the fingerprint by
	 * which its dispatch table is known (dispatch.c). */
	const char *undefined;
	struct opcode_hook opcode[FACTS_MAX_OPCODES];
	bool usdt_sees_every_call; /* a build with dtrace probes shows every call and exit */
	uint16_t tstate_current;   /* offset of gilstate.tstate_current in _PyRuntime */
	struct ft_layout layout;   /* without addresses */
};

/* The row for t's version, or -ENOEXEC (exit 6) naming the versions that there are. */
int cpython_facts(const struct target *t, const struct cpython_facts **ret, struct why *w);
/* The row for Python 3.minor, or NULL. For tests. */
const struct cpython_facts *cpython_facts_of(int minor);

#endif
