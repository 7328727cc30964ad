/* SPDX-License-Identifier: MIT */
/*
 * Records that are too large for a channel, as values of up to 1 MiB make them: each in memory of
 * its own, with a note in the channel that says where. All of them are on one list, which the
 * senders' lock guards, so that those that will not be read can be freed without a look at the
 * channels: when a run ends or begins, and in a forked child.
 */
#ifndef FT_AGENT_OVERSIZE_H
#define FT_AGENT_OVERSIZE_H

#include "ft_abi.h"

#define OVERSIZE_NOTE 0xffff /* a type of record that never leaves the process */

struct oversize {
	struct oversize *next, **at; /* at: what points to this one */
	struct ft_rec rec;	     /* and the rest of it */
};

/* What is in the channel, with the time of the record. */
struct oversize_note {
	struct ft_rec hdr;
	struct oversize *record; /* owned by the list */
};

/* A copy of rec, on no list yet; NULL without memory. */
struct oversize *oversize_new(const struct ft_rec *rec);
void oversize_add(struct oversize **list, struct oversize *p);
/* Takes it off its list and frees it. */
void oversize_free(struct oversize *p);
void oversize_release_all(struct oversize **list);

/* The record that one out of a channel represents. */
static inline const struct ft_rec *oversize_open(const struct ft_rec *rec)
{
	return rec->type == OVERSIZE_NOTE ? &((const struct oversize_note *)rec)->record->rec : rec;
}

#endif
