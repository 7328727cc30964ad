/* SPDX-License-Identifier: MIT */
/*
 * Everything that differs from one CPython release to the next, as one row of data per release. The
 * rest of cpython/ uses the row and compares no versions. A new release needs a row here, a file of
 * offsets from its headers, and a row in the live tests.
 */
#ifndef FT_FACTS_H
#define FT_FACTS_H

#include "base/why.h"
#include "cpython/debug_offsets.h"
#include "ft_layout.h"
#include "model/hooks.h"
#include "model/target.h"

#define FACTS_MAX_OPCODES 8

/* An opcode whose handler is a hook site. */
struct opcode_hook {
	enum hook_role role;
	uint8_t opcode;
	const char *name; /* NULL ends the list */
	/* Hook the very first instruction, because of what the handler does early. */
	bool first;
};

/* How to find the function through which every frame exits (from 3.12). */
enum frame_clear {
	FRAME_CLEAR_NONE,
	FRAME_CLEAR_CALLED,   /* what the return handlers call first: a local function (3.12) */
	FRAME_CLEAR_EXPORTED, /* _PyEval_FrameClearAndPop (3.13) */
};

struct cpython_facts {
	int minor; /* of Python 3 */
	/* Opcode numbers that this release does not define ("0,7-8"): by them its dispatch table is
	 * recognised (dispatch.c). */
	const char *undefined;
	struct opcode_hook opcode[FACTS_MAX_OPCODES];
	bool usdt_sees_every_call; /* a build with dtrace probes shows every call and exit */
	bool eval_entry;	   /* a frame is entered through _PyEval_EvalFrameDefault only */
	enum frame_clear frame_clear;
	uint16_t frame_is_entry; /* offset in a frame; 0: leaving.c does not apply */
	bool closes_unseen;	 /* a suspended generator may end without running any of its code */
	uint16_t tstate_current; /* offset of gilstate.tstate_current in _PyRuntime; 0: the thread
				  * state is thread-local (from 3.12) */
	uint16_t initialized;	 /* offset of initialized in _PyRuntime */
	struct debug_places debug; /* where its _Py_DebugOffsets has what (from 3.13) */
	struct ft_layout layout;   /* without addresses */
};

/* The row for t's version, or -ENOEXEC (exit 6) naming the versions that there are. */
int cpython_facts(const struct target *t, const struct cpython_facts **ret, struct why *w);
/* The row for Python 3.minor, or NULL. For tests. */
const struct cpython_facts *cpython_facts_of(int minor);

#endif
