/* SPDX-License-Identifier: MIT */
/*
 * Which run this is, and what was asked of it. Read wherever something is recorded; written by
 * engine.c alone.
 */
#ifndef FT_AGENT_STATE_H
#define FT_AGENT_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "settings.h"
#include "tokens.h"

/* Which run this is: what was decided and described in another counts no more. */
extern unsigned engine_run_number;
static inline unsigned engine_run_id(void)
{
	return engine_run_number;
}

/* Is it on? */
bool engine_running(void);
uint32_t engine_pid(void);
const struct value_limits *engine_limits(void);
/* A record may be too large for a channel. */
bool engine_has_long_values(void);
bool engine_captures_args(void);
bool engine_captures_result(void);
bool engine_captures_stack(void);
/* Does a thread wait for room, or drop what it records? */
bool engine_blocks(void);

/* A run is about to begin. The settings are borrowed until the next. */
void state_begin(const struct settings *settings);
void state_set_running(bool on);
/* In a child that was forked: another run, if there was one. */
void state_forked(void);

#endif
