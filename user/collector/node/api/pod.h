/* SPDX-License-Identifier: MIT */
/*
 * What is used of a pod that the API server tells of. In: its JSON, in which anything may be
 * missing, of another type or too long. Out: names, labels, owner, annotations and containers, each
 * bounded, without what would not fit.
 */
#ifndef FT_POD_H
#define FT_POD_H

#include <json-c/json.h>

#include "model/workload.h"

struct pod_container {
	char *id, *name; /* owned; id: without the runtime's name before it */
};

struct pod {
	char *namespace, *name, *uid; /* owned, never NULL */
	/* Owned: of a static pod. The uid in cgroups is this one, since the kubelet knows it before
	 * the API server does. */
	char *static_uid;
	char *owner_kind, *owner; /* owned: what it is one of; NULL = nothing */
	char *service;		  /* owned: annotation resource.opentelemetry.io/service.name */
	char *prefix;		  /* owned: annotation flowtrace/prefix */
	bool trace_off;		  /* annotation flowtrace/trace is "false" */
	char **labels;		  /* owned: "key=value" */
	size_t nlabels;
	struct pod_container *containers; /* owned; init and ephemeral ones too */
	size_t ncontainers;
};

/* -EBADMSG: it is not a pod; -ENOMEM. ret holds nothing then. */
int pod_read(struct json_object *o, struct pod *ret);
void pod_release(struct pod *p);

/* Is it the pod of this workload, by the uid or the id of the container? */
bool pod_has(const struct pod *p, const struct workload *w);
/*
 * What is known of the pod replaces what w says; the container's name stays where the pod does not
 * know the container yet. -ENOMEM: some is missing.
 */
int pod_fill(const struct pod *p, struct workload *w);

#endif
