/* SPDX-License-Identifier: MIT */
/*
 * Apache, PostgreSQL, vim and others load an interpreter when they first need it. The kernel
 * reports every library that is loaded (attach/loads.h). In case that it does not, or that the
 * library was loaded just before, the process is also polled, at growing intervals.
 */
#include "base/clock.h"
#include "discover/discover.h"
#include "targets_parts.h"

#define LOOK_FIRST_NS NS_PER_SECOND
#define LOOK_LAST_NS (32 * NS_PER_SECOND)

void targets_watch(struct targets *t, struct proc *proc)
{
	proc->bare = true;
	proc->wait_ns = LOOK_FIRST_NS;
	proc->check_ns = 0;
	if (!t->loads)
		(void)loads_new(discover_is_library, false, &t->loads);
}

/* The process has a libpython now: it is hooked as soon as that can be read. */
static void on_library(struct targets *t, struct proc *proc, pid_t tid)
{
	t->any_library = true;
	proc->bare = false;
	if (tid == proc->pid && launch_stop(t->launch, proc->pid))
		return; /* held until it is hooked, so its first call is seen */
	proc->loaded = true;
	proc->retry_until_ns = clock_ns(CLOCK_MONOTONIC) + RETRY_LIMIT_NS;
}

static void look_for_library(struct targets *t, struct proc *proc, uint64_t now)
{
	if (!proc->bare || now < proc->check_ns)
		return;
	proc->check_ns = now + proc->wait_ns;
	if (proc->wait_ns < LOOK_LAST_NS)
		proc->wait_ns *= 2;
	if (discover_has_library(proc->pid))
		on_library(t, proc, 0);
}

static void on_load(struct targets *t, const struct load *l)
{
	struct proc *proc = procs_find(&t->procs, l->pid);

	if (!l->pid) {
		t->scan.wanted = true;
		for (int i = 0; i < t->procs.count; i++)
			t->procs.at[i].check_ns = 0;
	} else if (proc && proc->bare && l->wanted) {
		on_library(t, proc, l->tid);
	} else if (!proc && t->config->all) {
		if (l->wanted)
			targets_on_interpreter(t, l->pid);
		else
			targets_on_file(t, l);
	}
}

void targets_look_at_loads(struct targets *t)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct load load;

	while (t->loads && loads_next(t->loads, &load))
		on_load(t, &load);
	for (int i = 0; i < t->procs.count; i++)
		look_for_library(t, &t->procs.at[i], now);
}
