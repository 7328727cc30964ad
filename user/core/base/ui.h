/* SPDX-License-Identifier: MIT */
/*
 * How a run talks to the person at the terminal. The library prints nothing; the command
 * gives it these functions, any of which may be NULL.
 */
#ifndef FT_UI_H
#define FT_UI_H

#include <stdint.h>

struct run_status {
	uint64_t events;     /* written */
	uint64_t lost;	     /* events that could not be recorded */
	uint64_t functions;  /* different functions seen */
	uint64_t unfinished; /* calls without an end */
	uint64_t filtered;   /* calls and requests that were left out on purpose */
	double seconds;
};

struct ui {
	void (*status)(void *arg, const struct run_status *s); /* once a second */
	void (*note)(void *arg, const char *text);	       /* one line */
	void (*debug)(const char *text);		       /* a message of libbpf */
	void *arg;
};

void ui_note(const struct ui *ui, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
