/* SPDX-License-Identifier: MIT */
/*
 * The container and pod of each process: what FT_REC_WORKLOAD said. A child is where its parent
 * was; another program in the same process stays there.
 */
#ifndef FT_WORKLOADS_H
#define FT_WORKLOADS_H

#include "base/map.h"
#include "ft_abi.h"
#include "model/workload.h"

struct workloads {
	struct map by_pid; /* -> struct shared *, of which children hold a share */
	uint32_t gone; /* a process that ended, whose last calls may still be handed on; 0 = none */
};

void workloads_release(struct workloads *w);
int workloads_learn(struct workloads *w, const struct ft_rec_workload *rec, const void *end);
/* NULL: it is in none that is known. Borrowed until the next record. */
const struct workload *workloads_of(const struct workloads *w, uint32_t pid);
int workloads_fork(struct workloads *w, uint32_t pid, uint32_t child);
/* It is forgotten with workloads_settle(). */
void workloads_gone(struct workloads *w, uint32_t pid);
/* Called when everything of the records before has been handed on. */
void workloads_settle(struct workloads *w);

#endif
