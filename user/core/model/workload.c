/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "model/workload.h"

void workload_release(struct workload *w)
{
	for (size_t i = 0; i < w->nlabels; i++)
		free(w->labels[i]);
	free(w->labels);
	free(w->container);
	free(w->uid);
	free(w->namespace);
	free(w->pod);
	free(w->name);
	free(w->node);
	free(w->owner_kind);
	free(w->owner);
	free(w->service);
	free(w->prefix);
	free(w->json);
	*w = (struct workload){};
}
