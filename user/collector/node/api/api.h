/* SPDX-License-Identifier: MIT */
/*
 * The pods of this node, from the API server, by a thread of its own: it lists them once, then
 * watches them, and begins again where that ends.
 *
 *     TRYING -> LIVE <-> AWAY (up to a minute)        what was known stays known
 *         \       ^        |
 *          -----> FAILED <-+                          said once; it tries again
 *
 * In: the settings and what the server answers. Out: what is known of a workload, and whether more
 * may be soon. Nothing here makes its caller wait, but api_wait().
 */
#ifndef FT_API_H
#define FT_API_H

#include <stdbool.h>

#include "base/why.h"
#include "model/workload.h"

enum api_state { API_TRYING, API_LIVE, API_AWAY, API_FAILED };

struct api_options {
	const char *server;	 /* borrowed: --api-server; NULL: as the variables of a pod say */
	const char *credentials; /* borrowed: folder */
	const char *node;	 /* borrowed: its name */
};

struct api;

/* EXIT_USAGE, -ENOMEM. Without a server or a token it is API_FAILED, not an error. */
int api_new(const struct api_options *o, struct api **ret_api, struct why *w);
/* NULL is fine. What a thread that does not end uses is not freed. */
void api_free(struct api *a);

enum api_state api_state(const struct api *a);
/* Until it is no longer API_TRYING, at most that long. */
void api_wait(struct api *a, unsigned ms);

/* 0: what is known of the pod is in w; -ENOENT: it is not known; -ENOMEM. */
int api_fill(struct api *a, struct workload *w);
/* Changes with what is known. */
unsigned api_version(const struct api *a);

#define API_NOTE_MAX 512
/* What a person should know, once each: false: nothing. */
bool api_note(struct api *a, char ret[API_NOTE_MAX]);

#endif
