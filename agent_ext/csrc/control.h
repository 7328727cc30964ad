/* SPDX-License-Identifier: MIT */
/*
 * What is asked of the writer, and how far it is: to be woken, to flush, to stop; whether it is
 * there, has failed, and makes progress. Threads and the engine know no more of it.
 */
#ifndef FT_AGENT_CONTROL_H
#define FT_AGENT_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/why.h"

/* ---- from the engine ---- */

/* A run begins: nothing is asked, nothing has failed. */
void control_begin(void);
/* Around a fork; then in the child, where no writer is. */
void control_lock(void);
void control_unlock(void);
void control_forked(void);
/* The writer is to write everything and end. */
void control_stop(void);
/*
 * Returns when what was recorded is in the file, or never will be. patient: also waits for a writer
 * that has done nothing for a second; others do not wait for it again, until it does. Without the
 * GIL.
 */
void control_flush(bool patient);

/* ---- from the threads that record ---- */

void control_wake(void);
/* Records that the writer took out, of all runs. */
uint64_t control_progress(void);
bool control_has_failed(void);

/* ---- from the writer ---- */

/* What was asked by the time that it woke; flush: the number of the last flush. */
struct asked {
	bool stop;
	uint64_t flush;
};

/* Waits until something is asked, or for so long. */
struct asked control_wait(uint64_t period_ns);
bool control_is_flushed(uint64_t number);
void control_set_flushed(uint64_t number);
/* The writer begins, or has ended. */
void control_set_writing(bool on);
/* It took one record out. */
void control_advance(void);
/* Nothing can be written any more; why: its text may be empty. */
void control_fail(int err, const struct why *why);
/* The first failure: 0, or -errno with w set. */
int control_failure(struct why *w);

#endif
