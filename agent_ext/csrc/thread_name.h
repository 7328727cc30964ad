/* SPDX-License-Identifier: MIT */
/* Python's name of a thread. */
#ifndef FT_AGENT_THREAD_NAME_H
#define FT_AGENT_THREAD_NAME_H

#include "sender.h"

/* Records the name of this thread, if threading knows one, and marks it as named. */
void thread_name_record(struct agent_thread *t);
/* Announces it to the tools that listen at the probes by now. */
void thread_name_announce(struct agent_thread *t);

#endif
