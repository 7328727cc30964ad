/* SPDX-License-Identifier: MIT */
/*
 * How far a long reading is: a line on standard error that is drawn over, when that is a terminal
 * and a second has passed.
 */
#ifndef FT_PROGRESS_H
#define FT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool wanted, drawn;
	uint64_t start_ns, last_ns;
};

void progress_start(struct progress *p);
/* part: 0 to 1; below 0 = not known, then the count is shown. Costs a look at the clock. */
void progress_show(struct progress *p, double part, uint64_t count);
/* Takes the line away; before any other message. */
void progress_clear(struct progress *p);

#endif
