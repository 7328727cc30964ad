/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "model/target.h"

void target_release(struct target *t)
{
	if (!t)
		return;
	free(t->exe);
	free(t->binary);
	free(t->open_path);
	free(t->agent.path);
	free(t->agent.open_path);
	*t = (struct target){0};
}
