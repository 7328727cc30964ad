/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "progress.h"

#define FIRST_AFTER_NS NS_PER_SECOND
#define EVERY_NS (200 * NS_PER_MS)

void progress_start(struct progress *p)
{
	*p = (struct progress){
		.wanted = isatty(STDERR_FILENO),
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
		fprintf(stderr, "\r\033[Kreading: %.0f %%", part * 100);
	else
		fprintf(stderr, "\r\033[Kreading: %" PRIu64 " lines", count);
	fflush(stderr);
}

void progress_clear(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stderr);
	p->drawn = false;
}
