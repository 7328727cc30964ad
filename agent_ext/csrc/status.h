/* SPDX-License-Identifier: MIT */
/*
 * What a collector can know from outside: is automatic tracing on, and which modules does it
 * follow (ft_agent.h). Written with the GIL held, but for status_failed().
 */
#ifndef FT_AGENT_STATUS_H
#define FT_AGENT_STATUS_H

#include "settings.h"

/* A run begins; automatic tracing is not on yet. */
void status_run(const struct settings *s);
/* Automatic tracing is switched on or off. */
void status_watching(bool on);
/* In a child that was forked: this process continues what its parent did. */
void status_forked(void);
/* Nothing is recorded any more: the trace cannot be written. From any thread. */
void status_failed(void);

#endif
