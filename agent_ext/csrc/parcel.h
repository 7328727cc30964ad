/* SPDX-License-Identifier: MIT */
/*
 * Records that are too large for a channel, as values of up to 1 MiB make them: each in memory of
 * its own, with a note in the channel that says where. All of them are on one list, which the
 * engine's lock guards, so that those that nobody will read can be freed without a look at the
 * channels: when a run ends or begins, and in a forked child.
 */
#ifndef FT_AGENT_PARCEL_H
#define FT_AGENT_PARCEL_H

#include "ft_abi.h"

#define PARCEL_NOTE 0xffff /* a type of record that never leaves the process */

struct parcel {
	struct parcel *next, **at; /* at: what points to this one */
	struct ft_rec rec;	   /* and the rest of it */
};

/* What is in the channel, with the time of the record. */
struct parcel_note {
	struct ft_rec hdr;
	struct parcel *parcel; /* owned by the list */
};

/* A copy of rec, on no list yet; NULL without memory. */
struct parcel *parcel_new(const struct ft_rec *rec);
void parcel_add(struct parcel **list, struct parcel *p);
/* Takes it off its list and frees it. */
void parcel_free(struct parcel *p);
void parcels_release(struct parcel **list);

/* The record that one out of a channel stands for. */
static inline const struct ft_rec *parcel_open(const struct ft_rec *rec)
{
	return rec->type == PARCEL_NOTE ? &((const struct parcel_note *)rec)->parcel->rec : rec;
}

#endif
