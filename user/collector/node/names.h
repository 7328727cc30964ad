/* SPDX-License-Identifier: MIT */
/*
 * The names that belong to the ids of a container and a pod. In: the folders in which a kubelet
 * keeps the logs of its pods, of which only the names of their entries are read, or the environment
 * of the collector, which the manifest of its own pod fills. Out: a struct workload with names.
 *
 *     LOGS/containers/POD_NAMESPACE_NAME-ID.log        ID: of the container
 *     LOGS/pods/NAMESPACE_POD_UID/NAME/                UID: of the pod
 *     K8S_NAMESPACE_NAME, K8S_POD_NAME, K8S_POD_UID, K8S_NODE_NAME; or
 *     POD_NAMESPACE, POD_NAME, POD_UID, NODE_NAME
 */
#ifndef FT_NAMES_H
#define FT_NAMES_H

#include <stdbool.h>

#include "model/workload.h"

#define NAMES_LOGS "/var/log"

struct names {
	const char *logs;	     /* borrowed: the folder; NULL = not asked for */
	bool own;		     /* all that is traced is in the pod of the collector */
	char *namespace, *pod, *uid; /* owned: of that pod; NULL = not known */
	char *node;		     /* owned: or the name of the host; NULL = not known */
};

/* -ENOMEM */
int names_init(struct names *n, const char *logs, bool all_own);
void names_release(struct names *n);

/*
 * Adds the names to a workload of which the ids are known, as far as there are any. 0: it is in no
 * pod, or the names of its pod and its container are known; -ENOENT: they are not, but may be
 * later; another -errno: a folder cannot be read.
 */
int names_find(const struct names *n, struct workload *w);

#endif
