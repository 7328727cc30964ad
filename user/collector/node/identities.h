/* SPDX-License-Identifier: MIT */
/*
 * Who each process is, from before it is hooked until its end. In: pids, on the thread that
 * examines processes, because files are read; and the records of the ring. Out: the FT_REC_WORKLOAD
 * that must come before a record.
 */
#ifndef FT_IDENTITIES_H
#define FT_IDENTITIES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"
#include "config.h"
#include "ft_abi.h"
#include "model/workload.h"

struct identities;

/* metadata: --metadata, logs, env or none; logs: the folder of the kubelet's logs, borrowed. With
 * none *ret_identities is NULL. */
int identities_new(const char *metadata, const char *logs, struct identities **ret_identities,
		   struct why *w);
void identities_free(struct identities *i); /* NULL is fine */

/* Called before the process is hooked. What cannot be read is not known. i may be NULL: nothing is
 * asked for. */
void identities_learn(struct identities *i, pid_t pid);
/* Is it one of those that the options choose? Files are read. */
bool identities_chosen(struct identities *i, const struct config *c, pid_t pid);
/* Calls fn with what is known of it, under the lock. False: nothing was learned of it. */
bool identities_ask(struct identities *i, pid_t pid,
		    void (*fn)(void *arg, const struct workload *w), void *arg);
/* Is it a child of which only its parent is known? */
bool identities_inherits(struct identities *i, pid_t pid);
/* It is gone, or not hooked after all. */
void identities_forget(struct identities *i, pid_t pid);

/* Was nothing learned of it yet, nor of the process that it was forked from; or nothing since it
 * runs another program? */
bool identities_unknown(struct identities *i, pid_t pid);
/* Until something is learned of it, it is where it was before, if anywhere. */
void identities_give_up(struct identities *i, pid_t pid);

/* Once: why names of pods are not known, as a sentence; NULL = they are, or it was said. Static. */
const char *identities_note(struct identities *i);

/* The record that tells who the process of rec is, if that was not told yet; else NULL. Only for
 * the thread that reads the ring; valid until the next call. */
const struct ft_rec *identities_before(struct identities *i, const struct ft_rec *rec);

#endif
