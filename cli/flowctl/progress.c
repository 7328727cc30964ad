/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "progress.h"
#include "terminal.h"

#define FIRST_AFTER_NS NS_PER_SECOND
#define EVERY_NS (200 * NS_PER_MS)

void progress_start(struct progress *p)
{
	*p = (struct progress){
		.wanted = terminal_is(stderr),
		.start_ns = clock_ns(CLOCK_MONOTONIC),
	};
}

void progress_show(struct progress *p, double part, uint64_t count)
{
	uint64_t now;

	if (!p->wanted)
		return;
	now = clock_ns(CLOCK_MONOTONIC);
	if (now - p->start_ns < FIRST_AFTER_NS || now - p->last_ns < EVERY_NS)
		return;
	p->last_ns = now;
	p->drawn = true;
	if (part >= 0)
		fprintf(stderr, "%sreading: %.0f %%", style(stderr, STYLE_CLEAR_LINE), part * 100);
	else
		fprintf(stderr, "%sreading: %" PRIu64 " lines", style(stderr, STYLE_CLEAR_LINE),
			count);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->drawn)
		fputs(style(stderr, STYLE_CLEAR_LINE), stderr);
	p->drawn = false;
}
