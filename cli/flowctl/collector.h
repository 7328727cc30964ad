/* SPDX-License-Identifier: MIT */
/*
 * A flowtrace-bpf that runs as a child and writes its events into a pipe. A process of its own
 * because it needs root and BPF while flowctl needs neither, and because whatever happens to it,
 * the terminal is still ours; what the pipe costs is small beside a probe.
 */
#ifndef FT_COLLECTOR_H
#define FT_COLLECTOR_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/why.h"

struct collector {
	pid_t pid;	      /* 0: none runs */
	int events, messages; /* ends of pipes that do not block; -1: closed */
	struct buf line;      /* a message that is not whole yet */
	char last[512];	      /* the last one: why it failed, if it did */
	char note[512];	      /* the last one that is for people who watch */
	char target[256];     /* what it attached to */
	bool ready;	      /* the probes are in place */
	int status;	      /* after collector_wait(): as of wait(2) */
};

/* argv[0] is set here: the flowtrace-bpf beside this program, else that in PATH; room for it is
 * the caller's. 0 or -errno. */
int collector_start(struct collector *c, const char **argv, struct why *w);
/* Takes what it said on standard error. False at the end of it. */
bool collector_listen(struct collector *c);
/* Asks it to detach and end. */
void collector_stop(struct collector *c);
/* Ends it now. */
void collector_kill(struct collector *c);
/* Waits for its end. */
void collector_wait(struct collector *c);
void collector_release(struct collector *c);

#endif
