/* SPDX-License-Identifier: MIT */
/*
 * Which of the processes of a node are asked for: by --cgroup, --container, --namespace, --pod,
 * --label and --exclude-namespace, and by what a pod says of itself. In: the settings and what is
 * known of a process. Nothing is read.
 */
#ifndef FT_SELECTION_H
#define FT_SELECTION_H

#include <stdbool.h>

#include "config.h"
#include "model/workload.h"

enum choice {
	CHOICE_NO,
	CHOICE_YES,
	CHOICE_LATER, /* it depends on what is not known yet */
};

/* What is not known of a workload, and may be soon. */
struct unknown {
	bool names; /* a name that the log folders or the API server tell */
	bool pod;   /* its pod, which the API server tells of */
};

/* May the answer be no? Then it is asked for before a process is traced. Pods that the API server
 * tells of may say so themselves. */
bool selection_asked(const struct config *c);
/*
 * Every option that is given must be true of the process: of its names, one of those that the
 * option lists; of labels, all of them. What is not known, and will not be, is not true: a pod
 * whose namespace is not known may be one of those that --exclude-namespace leaves out, so it is
 * not taken.
 *
 * w may be NULL: not known.
 */
enum choice selection_choice(const struct config *c, const struct workload *w, struct unknown u);
/* The same for --cgroup; path: of struct cgroup, NULL = not known. */
bool selection_has_cgroup(const struct config *c, const char *path);

/* The first rule that matches; NULL: none. Its patterns are options too. */
const struct rule *selection_rule(const struct rules *r, const struct workload *w);

#endif
