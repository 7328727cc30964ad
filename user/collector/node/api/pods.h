/* SPDX-License-Identifier: MIT */
/*
 * The pods of this node that are known. In: each pod as it is now, or that it is gone, from the
 * thread that asks the API server. Out, for any thread: what is known of a workload. What was
 * known stays while the server is away, and for a minute after a pod is gone, since lines of its
 * processes may still come.
 */
#ifndef FT_PODS_H
#define FT_PODS_H

#include <stdint.h>

#include "node/api/pod.h"

#define PODS_MAX 1024 /* that exist; a kubelet runs 110 unless it is told otherwise */

struct pods;

/* -ENOMEM */
int pods_new(struct pods **ret_pods);
void pods_free(struct pods *p); /* NULL is fine */

/* Owns what is in pod from here on. -E2BIG: there are too many; -ENOMEM. */
int pods_put(struct pods *p, struct pod *pod);
void pods_gone(struct pods *p, const char *uid);
/* What is not put between the two is gone. */
void pods_list_begins(struct pods *p);
void pods_list_ends(struct pods *p);

/* pod_fill(); -ENOENT: its pod is not known. */
int pods_fill(struct pods *p, struct workload *w);
size_t pods_count(struct pods *p);
/* Counts what was learned. */
unsigned pods_version(const struct pods *p);

#endif
