/* SPDX-License-Identifier: MIT */
/*
 * The records of the ring on their way to the pipeline; targets are told of processes that come and
 * go. Before the first record of a process comes the one that tells who it is. A process that is
 * new to --all, or that runs another program, may be traced before it is looked at: its records
 * wait for that, and those of others do not. None waits for longer than two seconds.
 */
#ifndef FT_ARRIVALS_H
#define FT_ARRIVALS_H

#include <stdbool.h>

#include "base/why.h"
#include "ft_abi.h"
#include "pipeline.h"
#include "targets.h"

struct arrivals;

/* t and p are borrowed. wait: records may wait. */
int arrivals_new(struct targets *t, struct pipeline *p, bool wait, struct arrivals **ret_arrivals,
		 struct why *w);
void arrivals_free(struct arrivals *s); /* NULL is fine */
/* A record_fn (recording/recording.h); arrivals is a struct arrivals. */
int arrivals_record(void *arrivals, const struct ft_rec *rec, size_t size);
/* Hands on the records that need not wait any more. */
int arrivals_tick(struct arrivals *s);
/* Hands on all. */
int arrivals_finish(struct arrivals *s);

#endif
