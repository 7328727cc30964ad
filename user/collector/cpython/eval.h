/* SPDX-License-Identifier: MIT */
/*
 * Finds where the eval function makes a frame the thread's current one, and where the one below is
 * it again: the ways in and out of every body, up to 3.10.
 */
#ifndef FT_EVAL_H
#define FT_EVAL_H

#include "arch/scan.h"
#include "cpython/facts.h"
#include "cpython/site.h"
#include "discover/elf.h"

#define EVAL_PLACES 4 /* a compiler may copy either */

struct eval_sites {
	struct site in[EVAL_PLACES], out[EVAL_PLACES];
	int nin, nout;
	/* At an out the frame is no longer the thread's, and this register has it: its number in an
	 * instruction; 0: it still is. */
	uint8_t frame_register;
};

/* The eval function's code, which the file owns; false: there is none. */
bool eval_code(struct elf *e, struct scan *ret);
/* False: not to be told from the code. */
bool eval_find(struct elf *e, const struct cpython_facts *facts, struct eval_sites *ret);
/* The same by the probes of a build with dtrace, which are not used themselves (guards.c). */
bool eval_find_guards(struct elf *e, struct eval_sites *ret);

#endif
