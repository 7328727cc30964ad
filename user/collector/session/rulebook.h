/* SPDX-License-Identifier: MIT */
/*
 * What is asked for of each process: the run's own settings, or those of the first rule of the
 * configuration file that matches it, or the prefixes that an annotation of its pod names. In: who
 * processes are, and the file, which is read anew when it changes. Out: the number of the policy of
 * a process, which BPF has by then; the FT_REC_POLICY that must come before its functions.
 *
 * The thread of looks gives processes their policies, the one that reads the ring tells of them.
 */
#ifndef FT_RULEBOOK_H
#define FT_RULEBOOK_H

#include <stdbool.h>
#include <sys/types.h>

#include "attach/attach.h"
#include "base/why.h"
#include "config.h"
#include "ft_abi.h"
#include "model/policy.h"
#include "node/identities.h"

struct rulebook;

/* c is borrowed. */
int rulebook_new(const struct config *c, struct rulebook **ret_rulebook, struct why *w);
void rulebook_free(struct rulebook *b); /* NULL is fine */
/* That of the run's own settings, to be given to attach_new(). */
const struct policy *rulebook_own(const struct rulebook *b);
/* Must it be known who a process is before it is traced? */
bool rulebook_asks(const struct config *c);
/* Called before anything else below. i: NULL = who processes are is not known. */
void rulebook_use(struct rulebook *b, struct attach *a, struct identities *i);

/* The policy of a process, of which was learned who it is. -EXDEV: it is not to be traced: its pod
 * says so, or there are too many policies at once, which is noted. */
int rulebook_policy(struct rulebook *b, pid_t pid, uint32_t *ret_number);
/* From time to time, on the thread that calls rulebook_policy(): reads the rules if their file
 * changed, and gives known processes the policies that they should have. */
void rulebook_tick(struct rulebook *b);
/* The next rulebook_tick() reads the file, changed or not. Any thread. */
void rulebook_reread(struct rulebook *b);

/* The next policy that was not told of yet; NULL: none. Valid until the next call. */
const struct ft_rec *rulebook_untold(struct rulebook *b);
/* What is to be said to the user, once; false: nothing. */
bool rulebook_note(struct rulebook *b, char *text, size_t size);

#endif
