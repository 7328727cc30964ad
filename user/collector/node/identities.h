/* SPDX-License-Identifier: MIT */
/*
 * Who each process is, from before it is hooked until its end. In: pids, on the thread that
 * examines processes, because files are read; and the records of the ring. Out: the FT_REC_WORKLOAD
 * that must come before a record; and again, once more is known.
 */
#ifndef FT_IDENTITIES_H
#define FT_IDENTITIES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/why.h"
#include "config.h"
#include "ft_abi.h"
#include "model/workload.h"
#include "node/api/api.h"
#include "node/selection.h"

#define IDENTITIES_NOTE_MAX API_NOTE_MAX

struct identities;

/* logs: the folder of the kubelet's logs, borrowed. With --metadata none *ret_identities is NULL.
 */
int identities_new(const struct config *c, const char *logs, struct identities **ret_identities,
		   struct why *w);
void identities_free(struct identities *i); /* NULL is fine */
/* For the first answer of the API server, if it is asked; at most that long. */
void identities_wait(struct identities *i, unsigned ms);

/* Called before the process is hooked. What cannot be read is not known. i may be NULL: nothing is
 * asked for. */
void identities_learn(struct identities *i, pid_t pid);
/* Is it one of those that the options choose? Files are read. */
enum choice identities_choose(struct identities *i, const struct config *c, pid_t pid);
/* The same without files, of one that was to be chosen later; its cgroup was looked at. */
enum choice identities_choice(struct identities *i, const struct config *c, pid_t pid);
/* Seeks what was not known; to be called ten times a second while it returns true: something is
 * unknown. Files are read. */
bool identities_seek(struct identities *i);
/* Calls fn with what is known of it, under the lock. False: nothing was learned of it. */
bool identities_ask(struct identities *i, pid_t pid,
		    void (*fn)(void *arg, const struct workload *w), void *arg);
/* Is it a child of which only its parent is known? */
bool identities_inherits(struct identities *i, pid_t pid);
/* It is gone, or not hooked after all. */
void identities_forget(struct identities *i, pid_t pid);

/* Was nothing learned of it yet, nor of the process that it was forked from; or nothing since it
 * runs another program; or may what is not known come soon? */
bool identities_unknown(struct identities *i, pid_t pid);
/* Until something is learned of it, it is where it was before, if anywhere; and what is not known
 * of that is pending. */
void identities_give_up(struct identities *i, pid_t pid);

/* Once each: what a person should know, as why names of pods are not known. False: nothing. */
bool identities_note(struct identities *i, char ret[IDENTITIES_NOTE_MAX]);

/* The record that tells who the process of rec is, if that was not told yet; else NULL. Only for
 * the thread that reads the ring; valid until the next call. */
const struct ft_rec *identities_before(struct identities *i, const struct ft_rec *rec);

#endif
