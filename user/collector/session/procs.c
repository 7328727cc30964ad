/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "procs.h"

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
	if (p->count == PROCS_MAX)
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
