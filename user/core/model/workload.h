/* SPDX-License-Identifier: MIT */
/*
 * The container that a process runs in, and its pod: what the collector found of it, and what lines
 * say of it.
 */
#ifndef FT_WORKLOAD_H
#define FT_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>

/* Texts are NULL where they are not known; uid: the process is in a pod. */
struct workload {
	char *container;		     /* owned: its id */
	char *uid;			     /* owned: of the pod */
	char *namespace, *pod, *name, *node; /* owned; name: that of the container in its pod */
	char **labels;			     /* owned: of the pod, "key=value" */
	size_t nlabels;
	char *owner_kind, *owner; /* owned: what the pod is one of: "Deployment", "shop" */
	char *service;		  /* owned: the name of the service, by OpenTelemetry's rules */
	char *prefix;	/* owned: annotation flowtrace/prefix of the pod, as it is: "a,b" */
	bool trace_off; /* annotation flowtrace/trace of the pod is "false" */
	bool pending;	/* the pod is not known yet, and may be later */
	char *json;	/* owned: its fields of a line, "container": ... */
	size_t json_len;
};

void workload_release(struct workload *w);

#endif
