/* SPDX-License-Identifier: MIT */
/* Finds where the eval function leaves a frame, in releases that have no function for it. */
#ifndef FT_LEAVING_H
#define FT_LEAVING_H

#include "cpython/dispatch.h"
#include "cpython/facts.h"
#include "discover/elf.h"

/* Where an exception leaves a frame that still is the thread's current one; 0: not found. */
uint64_t leaving_by_exception(struct elf *e, const struct cpython_facts *facts,
			      const struct dispatch *d);

#endif
