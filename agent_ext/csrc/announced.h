/* SPDX-License-Identifier: MIT */
/*
 * Records that name what lies at an address: a function, a class. They come from all threads into
 * one buffer, which the writer empties, and go to the tools at the probes; the last of each is kept
 * for tools that come later.
 */
#ifndef FT_AGENT_ANNOUNCED_H
#define FT_AGENT_ANNOUNCED_H

#include <stdint.h>

#include "base/buf.h"
#include "ft_abi.h"

/*
 * It holds from a time on, which the record is given: not before since_ns, and not before what was
 * announced already.
 */
void announce(struct ft_rec *rec, uint64_t address, uint64_t since_ns);
/* Moves those that the writer does not have yet to the end of its buffer. */
void announced_take(struct buf *to);
/* A tool that has just come hears all of them, before the first call that fires. */
void announced_to_listeners(void);
void announced_forget(void);

/* Around a fork; then in the child. */
void announced_lock(void);
void announced_unlock(void);
void announced_forked(void);

#endif
