/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "parcel.h"

struct parcel *parcel_new(const struct ft_rec *rec)
{
	struct parcel *p = malloc(offsetof(struct parcel, rec) + rec->size);

	if (p)
		memcpy(&p->rec, rec, rec->size);
	return p;
}

void parcel_add(struct parcel **list, struct parcel *p)
{
	p->next = *list;
	p->at = list;
	if (p->next)
		p->next->at = &p->next;
	*list = p;
}

void parcel_free(struct parcel *p)
{
	*p->at = p->next;
	if (p->next)
		p->next->at = p->at;
	free(p);
}

void parcels_release(struct parcel **list)
{
	while (*list)
		parcel_free(*list);
}
