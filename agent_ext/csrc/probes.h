/* SPDX-License-Identifier: MIT */
/*
 * USDT probes of the extension, provider "flowtrace", for any tool that reads such probes and for
 * flowtrace-bpf --backend agent:
 *
 *     function__entry      (class, function, line, record, size)  a body starts
 *     function__return     (class, function, line, record, size)  it ended, also by exception
 *     function__exception  (class, function, line, record, size)  ... which comes before that
 *     name                 (record, size)                         a function, class or thread,
 *                                                                 or events that were lost
 *     listener             ()                                     never fires, see below
 *
 * class, function: char *, "module.Class" and the bare name. record: a record of ft_abi.h of that
 * many bytes, what the writer also gets. Their semaphores are looked at by the writer, which first
 * fires `name` for all functions and classes that are known; only then do calls fire. A thread
 * announces its own name before its first call after that.
 *
 * The kernel raises a semaphore for the first tool on a place only. One that may come beside others
 * says so at `listener`: FT_AGENT_LISTENERS nops in a row that nothing runs, one semaphore for all.
 * It takes one that no other tool has.
 */
#ifndef FT_AGENT_PROBES_H
#define FT_AGENT_PROBES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "ft_abi.h"

/* A function as probes name it; texts are borrowed, "" where they are not known. */
struct probed_function {
	const char *class_name; /* "module.Class" or "module" */
	const char *name;
	int line;
};

/* The generation of listeners; 0: there is none, or it has not all names yet. */
extern _Atomic unsigned probes_current_generation;

static inline unsigned probes_generation(void)
{
	return atomic_load_explicit(&probes_current_generation, memory_order_relaxed);
}

/* Has a tool come since the last look, or are there more of them? Keeps what it saw. */
bool probes_came(void);
/* Is there any? */
bool probes_listened(void);
/* All names were announced: calls fire from now on. */
void probes_begin(void);
void probes_end(void);
/* A run begins, which has no names yet: a tool that listens already hears all of it. */
void probes_restart(void);

void probe_entry(struct probed_function function, const struct ft_rec *rec);
void probe_return(struct probed_function function, const struct ft_rec *rec);
void probe_exception(struct probed_function function, const struct ft_rec *rec);
void probe_name(const struct ft_rec *rec);

#endif
