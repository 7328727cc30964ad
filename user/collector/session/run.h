/* SPDX-License-Identifier: MIT */
/*
 * A whole run: attach, launch or replay, until the target ends, a limit is reached or a
 * signal asks to stop (signals.h).
 *
 *     targets -> attach => ring -> pipeline
 */
#ifndef FT_RUN_H
#define FT_RUN_H

#include <stdint.h>

#include "base/ui.h"
#include "base/why.h"
#include "config.h"
#include "ft_counters.h"
#include "ft_left_out.h"

struct run_result {
	struct run_status status;
	uint64_t counters[FT_COUNTER_COUNT], left_out[FT_LEFT_OUT_COUNT];
	int command_status; /* -- CMD: its exit status, else 0 */
};

/* Records that arrived before a failure are written too. */
int run(const struct config *c, const struct ui *ui, struct run_result *ret_result, struct why *w);

#endif
