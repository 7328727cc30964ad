/* SPDX-License-Identifier: MIT */
/* The collector that flowctl top runs, by what is asked for on its own command line. */
#ifndef FT_TOP_COLLECTOR_H
#define FT_TOP_COLLECTOR_H

#include "collector.h"
#include "command.h"

struct top_target {
	struct words pids, prefix, exclude;
	bool follow;
	int backend; /* of "auto|usdt|uprobe|agent" */
};

/* title gets the pids. 0, or -errno with w set. */
int top_collector_start(struct collector *c, const struct top_target *target, struct buf *title,
			struct why *w);

#endif
