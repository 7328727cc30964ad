/* SPDX-License-Identifier: MIT */
/*
 * Where what is known of containers and pods comes from, as --metadata says: the log folders, the
 * environment of the collector, the API server. In: the ids of a workload. Out: what is known of
 * it, and whether more may be later.
 */
#ifndef FT_SOURCES_H
#define FT_SOURCES_H

#include "config.h"
#include "node/api/api.h"
#include "node/names.h"
#include "node/selection.h"

struct sources {
	struct names names;
	struct api *api; /* owned; NULL = not asked for */
	int err;	 /* why a folder could not be read, when that matters */
};

/* logs: the folder of the kubelet's logs, borrowed. EXIT_USAGE, -ENOMEM. */
int sources_init(struct sources *s, const struct config *c, const char *logs, struct why *w);
void sources_release(struct sources *s);

/* Adds to a workload of which the ids are known. Files are read. */
struct unknown sources_find(struct sources *s, struct workload *w);
/* May that come within seconds? Else it may come, but it is not known when. */
bool sources_expect(const struct sources *s, const struct workload *w, struct unknown u);
/* Changes when another answer may be found. */
unsigned sources_version(const struct sources *s);

#endif
