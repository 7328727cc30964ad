/* SPDX-License-Identifier: MIT */
/*
 * What the page of `flowctl report` shows: collected in one pass over the trace, then written as
 * one JSON object, which cli/flowctl/report/data.js reads. Both are bounded, however large the
 * trace is; what is left out is counted.
 */
#ifndef FT_REPORT_DATA_H
#define FT_REPORT_DATA_H

#include "reading.h"
#include "analyze/call_rate.h"
#include "analyze/errors.h"
#include "analyze/paths.h"
#include "analyze/routes.h"
#include "analyze/slowest.h"
#include "analyze/stats.h"

struct report_data {
	struct stats stats;
	struct errors errors;
	struct slowest slowest;
	struct paths paths;
	struct routes routes;
	struct call_rate activity;
};

int report_data_init(struct report_data *d);
void report_data_release(struct report_data *d);
/* 0 or -ENOMEM. */
int report_data_add(struct report_data *d, const struct trace_event *e, const char *file,
		    uint64_t line);
int report_data_finish(struct report_data *d);
/* Appends the object; no '<' is in it. 0 or -ENOMEM. */
int report_data_put(struct report_data *d, const struct reading *r, const struct arguments *a,
		    struct buf *to);

#endif
