/* SPDX-License-Identifier: MIT */
/*
 * Finds where the eval function makes a frame the thread's current one (in), and where it makes the
 * caller's frame current again (out). Up to 3.10 every body passes them.
 */
#ifndef FT_EVAL_H
#define FT_EVAL_H

#include "arch/scan.h"
#include "cpython/facts.h"
#include "cpython/site.h"
#include "discover/elf.h"

#define EVAL_PLACES 4 /* of each kind: a compiler may make copies */

struct eval_sites {
	struct site in[EVAL_PLACES], out[EVAL_PLACES];
	int nin, nout;
	/* Number of the register that has the frame at an out, where it is no longer the thread's
	 * current one; 0: it still is current. */
	uint8_t frame_register;
};

/* The eval function's code, which the file owns; false: the function is not found. */
bool eval_code(struct elf *e, struct scan *ret);
/* False: the code does not show them. */
bool eval_find(struct elf *e, const struct cpython_facts *facts, struct eval_sites *ret);
/* The same for a build with dtrace, by the tests of its probes, which are not used themselves
 * (guards.c). */
bool eval_find_guards(struct elf *e, struct eval_sites *ret);

#endif
