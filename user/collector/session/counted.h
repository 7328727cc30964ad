/* SPDX-License-Identifier: MIT */
/* Losses that BPF counts without a record, as records. */
#ifndef FT_COUNTED_H
#define FT_COUNTED_H

#include <stdint.h>

#include "attach/attach.h"
#include "ft_counters.h"
#include "pipeline.h"

/* Hands on what was lost since since_ns, when `counters` were what BPF had counted; they are what
 * it has counted now afterwards. */
int counted_tell(struct attach *a, struct pipeline *p, uint64_t since_ns,
		 uint64_t counters[FT_COUNTER_COUNT]);

#endif
