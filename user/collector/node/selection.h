/* SPDX-License-Identifier: MIT */
/*
 * Which of the processes of a node are asked for: by --cgroup, --container, --namespace, --pod,
 * --label and --exclude-namespace. In: the settings and what is known of a process. Nothing is
 * read.
 */
#ifndef FT_SELECTION_H
#define FT_SELECTION_H

#include <stdbool.h>

#include "config.h"
#include "model/workload.h"

/* Is any of these options given? */
bool selection_asked(const struct config *c);
/*
 * Every option that is given must be true of the process: of its names, one of those that the
 * option lists; of labels, all of them. What is not known is not true: a pod whose namespace is not
 * known may be one of those that --exclude-namespace leaves out, so it is not taken.
 *
 * cgroup_path: of struct cgroup. It and w may be NULL: not known.
 */
bool selection_matches(const struct config *c, const struct workload *w, const char *cgroup_path);

/* The first rule that matches; NULL: none. Its patterns are options too. */
const struct rule *selection_rule(const struct rules *r, const struct workload *w);

#endif
