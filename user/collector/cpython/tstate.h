/* SPDX-License-Identifier: MIT */
/*
 * Where the word lies that names the thread state of the thread that runs Python now
 * (up to 3.11: _PyRuntime.gilstate.tstate_current, the holder of the GIL).
 */
#ifndef FT_TSTATE_H
#define FT_TSTATE_H

#include "cpython/facts.h"
#include "discover/elf.h"

/* -ENOEXEC (exit 6) when the binary's own code reads it from elsewhere: another build. */
int tstate_find(struct elf *e, const struct target *t, const struct cpython_facts *facts,
		uint64_t *ret_vaddr, struct why *w);

#endif
