/* SPDX-License-Identifier: MIT */
/*
 * Finds the word that points to the thread state of the thread that now runs Python (up to 3.11:
 * _PyRuntime.gilstate.tstate_current, the holder of the GIL).
 */
#ifndef FT_TSTATE_H
#define FT_TSTATE_H

#include "cpython/facts.h"
#include "discover/elf.h"

/* -ENOEXEC (exit 6) when the binary's own code reads it from another place: an unusual build. */
int tstate_find(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		uint64_t *ret_vaddr, struct why *w);

#endif
