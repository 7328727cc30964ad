/* SPDX-License-Identifier: MIT */
/*
 * --all: every process of the machine. Those that run are looked at once. One that begins to run
 * Python becomes known at its first hit, since its file is hooked for all (probe.bpf.h), or, where
 * the file is new to us, when the kernel reports that it is mapped (attach/loads.h). If reports
 * were lost, those that run are looked at again.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "discover/discover.h"
#include "targets_parts.h"

#define PROCESSES_MAX 65536
#define AT_ONCE 64			  /* looks at processes that were found by a scan */
#define SCAN_PAUSE_NS (5 * NS_PER_SECOND) /* between two scans */

static bool scan(struct targets *t)
{
	struct scan *s = &t->scan;

	if (!s->pid)
		s->pid = calloc(PROCESSES_MAX, sizeof(*s->pid));
	if (!s->pid)
		return false;
	s->again = s->began_ns;
	s->wanted = false;
	s->count = discover_processes(s->pid, PROCESSES_MAX);
	s->next = 0;
	s->began_ns = clock_ns(CLOCK_MONOTONIC);
	return true;
}

void targets_scan_on(struct targets *t)
{
	struct scan *s = &t->scan;

	if (s->wanted && clock_ns(CLOCK_MONOTONIC) - s->began_ns > SCAN_PAUSE_NS)
		(void)scan(t);
	while (s->next < s->count && t->children < AT_ONCE) {
		pid_t pid = s->pid[s->next];

		if (pid == getpid() || procs_find(&t->procs, pid))
			;
		else if (!s->again)
			t->children += looks_ask(t->looks, pid, LOOK_CHILD) != 0;
		else if (!targets_find(t, pid, 0, 0))
			break;
		s->next++;
	}
}

int targets_attach_all(struct targets *t)
{
	if (loads_new(discover_is_interpreter, true, &t->loads))
		ui_note(t->ui, "the kernel does not report which files are mapped (CAP_PERFMON is "
			       "missing, or perf_event_paranoid is set): an interpreter that was "
			       "not running at the start is not noticed");
	if (!scan(t))
		return why(t->why, -ENOMEM, "out of memory");
	targets_scan_on(t);
	return 0;
}

/* It has just mapped an interpreter. */
void targets_on_interpreter(struct targets *t, pid_t pid)
{
	if (!attach_add_new(t->attach, pid, NULL))
		targets_look_at(t, pid);
}

void targets_leave(struct targets *t, pid_t pid)
{
	attach_withdraw(t->attach, pid, false);
	procs_drop(&t->procs, pid);
}
