/* SPDX-License-Identifier: MIT */
/*
 * The policies that processes have besides that of the run's own settings. One is made when the
 * first process needs it, and dropped when none has had it for a while: then its place is free for
 * another, with another number.
 *
 * The lock protects the list. The thread that grants, drops too; another one may ask for what is
 * untold.
 */
#ifndef FT_GRANTED_H
#define FT_GRANTED_H

#include <pthread.h>

#include "attach/attach.h"
#include "base/buf.h"
#include "ft_layout.h"
#include "model/policy.h"

struct granted_policy;

struct granted {
	struct attach *attach; /* borrowed */
	pthread_mutex_t lock;
	struct granted_policy *at[FT_POLICIES]; /* by the place of their numbers; owned */
	uint32_t last;				/* number */
	unsigned version, told;			/* how many were made; ... when all were told of */
	struct buf record;
};

void granted_init(struct granted *g);
void granted_release(struct granted *g);

/* The number of one that is the same as p, or of a new one; 0: there are too many at once. p may
 * borrow its lists. */
uint32_t granted_number(struct granted *g, const struct policy *p);

/* A round: between its begin and granted_drop_idle() each that a process has is named. */
void granted_round(struct granted *g);
void granted_use(struct granted *g, uint32_t number);
void granted_drop_idle(struct granted *g);

/* FT_REC_POLICY of the next one that was not told of; NULL: none. Valid until the next call. */
const struct ft_rec *granted_untold(struct granted *g);

#endif
