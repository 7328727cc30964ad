/* SPDX-License-Identifier: MIT */
/* A record within the limits of a collector, for those that values inside of a process outgrow. */
#ifndef FT_AGENT_TRUNCATE_H
#define FT_AGENT_TRUNCATE_H

#include <stddef.h>

#include "ft_abi.h"

/*
 * rec itself when it is no longer than FT_MAX_RECORD, else a copy whose tokens end in STOP where
 * there is no room for more. fixed: bytes before the tokens. Borrowed until the next call; with the
 * GIL held.
 */
const struct ft_rec *record_truncate(const struct ft_rec *rec, size_t fixed);

#endif
