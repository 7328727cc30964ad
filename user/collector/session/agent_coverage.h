/* SPDX-License-Identifier: MIT */
/*
 * Does the automatic tracing that is active in a process record every call that the user asks for?
 * If so, its probes alone are enough; calls beyond that are filtered out later.
 */
#ifndef FT_AGENT_COVERAGE_H
#define FT_AGENT_COVERAGE_H

#include "config.h"
#include "ft_agent.h"

/* s: checked (discover/agent.h). When in doubt: no. */
bool agent_covers(const struct ft_agent_status *s, const struct config *c);

#endif
