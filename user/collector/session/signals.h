/* SPDX-License-Identifier: MIT */
/*
 * What a run is told by signals: SIGINT, SIGTERM and a hang-up of the terminal end it, another
 * SIGHUP reopens the output, SIGCHLD tells of the command. They are blocked from the start, so
 * that none is lost or kills before the loop looks at them.
 */
#ifndef FT_SIGNALS_H
#define FT_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

struct signals {
	int fd; /* readable when one has come */
	int terminal;
	bool hangup_ignored;
	uint64_t gone_ns; /* when the terminal was first seen to be gone */
	bool stop, reopen;
};

int signals_open(struct signals *s, struct why *w);
/* Hooks are in and the command is started: one that was ignored when we were started (nohup, a
 * background job of a script) is heard from now on. */
void signals_ready(struct signals *s);
/* Sets stop and reopen by what has come. */
void signals_take(struct signals *s);
/* Once a second. */
void signals_tick(struct signals *s);
/* The run is about to end in order: another SIGINT or SIGTERM ends the program at once. */
void signals_end_at_once(void);
void signals_close(struct signals *s);

#endif
