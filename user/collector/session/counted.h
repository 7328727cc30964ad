/* SPDX-License-Identifier: MIT */
/* What BPF counts without a record, as records: losses, and what was left out on purpose. */
#ifndef FT_COUNTED_H
#define FT_COUNTED_H

#include <stdint.h>

#include "attach/attach.h"
#include "pipeline.h"
#include "run.h"

/* Hands on what was counted since since_ns, when BPF had counted what is in told; that is what it
 * has counted now afterwards. */
int counted_tell(struct attach *a, struct pipeline *p, uint64_t since_ns, struct run_result *told);

#endif
