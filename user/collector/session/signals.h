/* SPDX-License-Identifier: MIT */
/*
 * The signals of a run: SIGINT, SIGTERM and a hang-up of the terminal end it, any other SIGHUP
 * reopens the output, SIGCHLD reports on the command. They are blocked from the start, so that none
 * is lost, and none kills before the loop reads it.
 */
#ifndef FT_SIGNALS_H
#define FT_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

struct signals {
	int fd; /* readable when a signal has come */
	int terminal;
	bool hangup_ignored;
	uint64_t gone_ns; /* when the terminal was first seen to be gone */
	bool stop, reopen;
};

int signals_open(struct signals *s, struct why *w);
/* The hooks are in and the command is started: signals that were ignored at our start (nohup, a
 * background job of a script) count from now on. */
void signals_ready(struct signals *s);
/* Reads the signals that have come, and sets stop and reopen. */
void signals_take(struct signals *s);
/* Once a second. */
void signals_tick(struct signals *s);
/* The run is about to end in order: another SIGINT or SIGTERM ends the program at once. */
void signals_end_at_once(void);
void signals_close(struct signals *s);

#endif
