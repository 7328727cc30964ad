/* SPDX-License-Identifier: MIT */
/*
 * The only file that knows all stages: it hands the output of one to the next.
 *
 *     target -> layout, hooks -> attach => ring or recording -> decode -> assemble -> sink
 *
 * pipeline_run does a whole run: attach, launch or replay, until the target ends, a limit
 * is reached or a signal asks to stop (SIGINT, SIGTERM; SIGHUP reopens the output).
 */
#ifndef FT_PIPELINE_H
#define FT_PIPELINE_H

#include <stdint.h>

#include "base/why.h"
#include "config.h"
#include "ft_counters.h"

struct pipeline_status {
	uint64_t events;     /* lines written */
	uint64_t lost;	     /* events that could not be recorded */
	uint64_t functions;  /* different functions seen */
	uint64_t unfinished; /* calls without an end */
	double seconds;
};

/* How the run talks to the person at the terminal; every member may be NULL. */
struct pipeline_ui {
	void (*status)(void *arg, const struct pipeline_status *s); /* once a second */
	void (*note)(void *arg, const char *text);		    /* one line */
	void (*debug)(const char *text);			    /* libbpf's words */
	void *arg;
};

struct pipeline_result {
	struct pipeline_status status;
	uint64_t counters[FT_COUNTER_COUNT];
	int command_status;    /* -- CMD: its exit status, else 0 */
	double attach_seconds; /* from the start to the last hook; 0 = replayed */
};

/* Records that arrived before a failure are written all the same. */
int pipeline_run(const struct config *c, const struct pipeline_ui *ui,
		 struct pipeline_result *ret_result, struct why *w);

#endif
