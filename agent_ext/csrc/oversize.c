/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "oversize.h"

struct oversize *oversize_new(const struct ft_rec *rec)
{
	struct oversize *p = malloc(offsetof(struct oversize, rec) + rec->size);

	if (p)
		memcpy(&p->rec, rec, rec->size);
	return p;
}

void oversize_add(struct oversize **list, struct oversize *p)
{
	p->next = *list;
	p->at = list;
	if (p->next)
		p->next->at = &p->next;
	*list = p;
}

void oversize_free(struct oversize *p)
{
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	free(p);
}

void oversize_release_all(struct oversize **list)
{
	while (*list)
		oversize_free(*list);
}
