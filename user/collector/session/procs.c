/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "procs.h"

int procs_init(struct procs *p, int max)
{
	*p = (struct procs){.at = calloc(max, sizeof(*p->at)), .max = max};
	return p->at ? 0 : -ENOMEM;
}

void procs_release(struct procs *p)
{
	free(p->at);
}

struct proc *procs_find(struct procs *p, pid_t pid)
{
	for (int i = 0; i < p->count; i++)
		if (p->at[i].pid == pid)
			return &p->at[i];
	return NULL;
}

struct proc *procs_add(struct procs *p, pid_t pid)
{
	struct proc *known = procs_find(p, pid);

	if (known)
		return known;
	if (p->count == p->max)
		return NULL;
	p->at[p->count] = (struct proc){.pid = pid};
	return &p->at[p->count++];
}

void procs_drop(struct procs *p, pid_t pid)
{
	struct proc *gone = procs_find(p, pid);

	if (gone)
		*gone = p->at[--p->count];
}
