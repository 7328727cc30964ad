/* SPDX-License-Identifier: MIT */
/*
 * The HTTP endpoint of --metrics: /healthz, /readyz and /metrics, by a thread of its own.
 *
 *     loop -> endpoint_tell -> a copy of the state <- thread <- GET, HEAD
 *
 * The loop waits for no client: it fills the copy under a lock that is held for nothing else. At
 * most eight clients are served at once, each for at most five seconds.
 */
#ifndef FT_ENDPOINT_H
#define FT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ui.h"
#include "base/why.h"
#include "ft_counters.h"

struct endpoint_state {
	struct run_status status;
	uint64_t lost_by[FT_COUNTER_COUNT]; /* events, by reason */
	unsigned processes;
	const char *waits_for; /* static: why it is not ready; NULL: hooks are live */
	bool looping;	       /* the loop runs, and so must turn */
	uint64_t turned_ns;    /* CLOCK_MONOTONIC, when it last did; endpoint_turned() sets it */
};

struct endpoint;

/* address: address.h. EXIT_USAGE, EXIT_NOT_PERMITTED or EXIT_OTHER. */
int endpoint_new(const char *address, struct endpoint **ret_endpoint, struct why *w);
void endpoint_free(struct endpoint *e); /* NULL is fine */
/* These do nothing where e is NULL. Call endpoint_tell() once a second, and on a change. */
void endpoint_tell(struct endpoint *e, const struct endpoint_state *s);
void endpoint_turned(struct endpoint *e, uint64_t now_ns);

#endif
