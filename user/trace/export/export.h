/* SPDX-License-Identifier: MIT */
/*
 * A trace as other programs read it. Events come in one after another, text goes out to a file
 * descriptor; memory is that of the calls open at one time.
 */
#ifndef FT_EXPORT_H
#define FT_EXPORT_H

#include "base/why.h"
#include "calls/event.h"

/* What goes out. */
struct export_to {
	int fd;
	const char *name; /* borrowed; for messages */
	struct buf b;	  /* not written yet */
};

/* Writes what is there when it is much. 0 or -errno. */
int export_to_spare(struct export_to *to, struct why *w);
/* Writes all of it. */
int export_to_flush(struct export_to *to, struct why *w);

/* What could not be said in the format. */
struct export_notes {
	uint64_t calls;	     /* that are in the output */
	uint64_t unopened;   /* calls that began before the trace */
	uint64_t unfinished; /* calls that the end of the trace ends */
	uint64_t deepest;    /* calls that were too deep */
};

struct export_format {
	const char *name;
	/* title: what the trace is called. */
	int (*start)(struct export_to *to, const char *title, void **ret_state, struct why *w);
	int (*add)(void *state, const struct trace_event *e, struct why *w);
	/* After the last event. */
	int (*finish)(void *state, struct export_notes *ret_notes, struct why *w);
	void (*stop)(void *state);
};

extern const struct export_format export_chrome, export_speedscope, export_folded, export_csv;

/* Microseconds of the latest event, for calls that the end of the trace ends. */
static inline uint64_t later_us(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
